#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        state = @{ type = 'str'; choices = @('query', 'started'); default = 'query' }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$state = $module.Params.state

$module.Result.changed = $false

Function Test-ServiceIsHealthy {
    param([Parameter(Mandatory)][hashtable]$Service)

    return (-not $Service.required) -or ($Service.start_mode -eq 'Auto' -and $Service.state -eq 'Running')
}

# PowerShell 2.0. One service that will not start must not keep the others from starting.
$start = {
    param($Names)
    foreach ($name in $Names) {
        try {
            $service = Get-WmiObject -Class Win32_Service -Filter "Name='$name'"
            if ($service.StartMode -ne 'Auto') {
                Set-Service -Name $name -StartupType Automatic -ErrorAction Stop
            }
            if ($service.State -ne 'Running') {
                Start-Service -Name $name -ErrorAction Stop
            }
        }
        catch {
            @{ name = $name; text = [string]$_.Exception.Message }
        }
    }
}

try {
    $installation = Get-ExchangeInstallation -Target $target
    $before = @(Get-ExchangeService -Target $target -Product $installation.product -Role $installation.roles)
    $after = $before

    if ($state -eq 'started') {
        $broken = @($before | Where-Object { -not (Test-ServiceIsHealthy -Service $_) })
        if ($broken.Count -gt 0) {
            $module.Result.changed = $true
            if ($module.CheckMode) {
                $after = @(foreach ($service in $before) {
                        $predicted = $service.Clone()
                        if ($predicted.required) {
                            $predicted.start_mode = 'Auto'
                            $predicted.state = 'Running'
                        }
                        $predicted
                    })
            }
            else {
                $names = @($broken | ForEach-Object { $_.name })
                $refused = @(Invoke-OnExchangeTarget -Target $target -ScriptBlock $start -ArgumentList @(, $names))
                foreach ($entry in $refused) {
                    if ($entry) { $module.Warn("$($entry.name) on $target did not start: $($entry.text)") }
                }
                $after = @(Get-ExchangeService -Target $target -Product $installation.product -Role $installation.roles)
            }
        }
    }
}
catch {
    $module.FailJson("cannot check the services of ${target}: $($_.Exception.Message)", $_)
}

$module.Result.healthy = @($after | Where-Object { -not (Test-ServiceIsHealthy -Service $_) }).Count -eq 0
$module.Result.before = @{ services = $before }
$module.Result.after = @{ services = $after }
$module.Diff.before = $module.Result.before
$module.Diff.after = $module.Result.after

$module.ExitJson()
