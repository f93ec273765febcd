#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        state = @{ type = 'str'; choices = @('query', 'started'); default = 'query' }
        recorded = @{ type = 'list'; elements = 'dict' }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$state = $module.Params.state

$module.Result.changed = $false

Function Get-Wanted {
    # What is to be put right, by name: start mode, and whether it must run.
    param([Parameter(Mandatory)][AllowEmptyCollection()][object[]]$Service)

    $wanted = @{}
    foreach ($entry in @($module.Params.recorded)) {
        if ($entry) { $wanted[[string]$entry.name] = @{ mode = [string]$entry.start_mode; run = ($entry.state -eq 'Running') } }
    }
    # Last, as an earlier failure may have been recorded.
    foreach ($one in $Service) {
        if ($one.required) { $wanted[[string]$one.name] = @{ mode = 'Auto'; run = $true } }
    }
    return $wanted
}

Function Test-ServiceIsWrong {
    param([Parameter(Mandatory)][hashtable]$Service, [Parameter(Mandatory)][hashtable]$Wanted)

    $goal = $Wanted[[string]$Service.name]
    return ($null -ne $goal) -and ($Service.start_mode -ne $goal.mode -or ($goal.run -and $Service.state -ne 'Running'))
}

Function Test-ServiceIsHealthy {
    param([Parameter(Mandatory)][hashtable]$Service)

    return (-not $Service.required) -or ($Service.start_mode -eq 'Auto' -and $Service.state -eq 'Running')
}

# PowerShell 2.0. One service that will not start must not keep the others from starting.
$start = {
    param($Wanted)
    foreach ($name in $Wanted.Keys) {
        try {
            $service = Get-WmiObject -Class Win32_Service -Filter "Name='$name'"
            $mode = $Wanted[$name].mode
            if ($service.StartMode -ne $mode) {
                if ($mode -eq 'Auto') { $mode = 'Automatic' }
                Set-Service -Name $name -StartupType $mode -ErrorAction Stop
            }
            if ($Wanted[$name].run -and $service.State -ne 'Running') {
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
        $wanted = Get-Wanted -Service $before
        $broken = @($before | Where-Object { Test-ServiceIsWrong -Service $_ -Wanted $wanted })
        if ($broken.Count -gt 0) {
            $module.Result.changed = $true
            if ($module.CheckMode) {
                $after = @(foreach ($service in $before) {
                        $predicted = $service.Clone()
                        $goal = $wanted[[string]$service.name]
                        if ($goal) {
                            $predicted.start_mode = $goal.mode
                            if ($goal.run) { $predicted.state = 'Running' }
                        }
                        $predicted
                    })
            }
            else {
                $goals = @{}
                foreach ($one in $broken) { $goals[[string]$one.name] = $wanted[[string]$one.name] }
                $refused = @(Invoke-OnExchangeTarget -Target $target -ScriptBlock $start -ArgumentList @($goals))
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
