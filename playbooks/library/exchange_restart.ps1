#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        timeout_seconds = @{ type = 'int'; default = 3600 }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$timeout = $module.Params.timeout_seconds
if ($null -eq $timeout) { $timeout = 3600 }

$module.Result.changed = $false

try {
    $local = Test-ExchangeTargetIsLocal -Target $target
}
catch {
    $module.FailJson($_.Exception.Message, $_)
}
if ($local) {
    $module.FailJson("$target is the machine this module runs on, which cannot wait for its own return: use ansible.windows.win_reboot")
}

# PowerShell 2.0.
$readBoot = {
    $system = Get-WmiObject -Class Win32_OperatingSystem -ErrorAction Stop
    [Management.ManagementDateTimeConverter]::ToDateTime($system.LastBootUpTime).ToUniversalTime().Ticks
}
$restart = {
    $text = & shutdown.exe /r /t 5 /f /d p:4:2 /c 'Exchange update rollup' 2>&1
    @{ code = $LASTEXITCODE; text = [string]$text }
}

Function Get-BootTime {
    param([Parameter(Mandatory)][string]$Target)

    $ticks = Invoke-OnExchangeTarget -Target $Target -ScriptBlock $readBoot
    return New-Object -TypeName DateTime -ArgumentList ([long]$ticks), ([DateTimeKind]::Utc)
}

try {
    $before = Get-BootTime -Target $target
}
catch {
    $module.FailJson("cannot read the last start of ${target}: $($_.Exception.Message)", $_)
}

$module.Result.changed = $true
$module.Result.before = @{ last_boot_time = ConvertTo-UtcText -Moment $before }
$module.Diff.before = $module.Result.before

if ($module.CheckMode) {
    $module.Result.after = @{ last_boot_time = $null }
    $module.Diff.after = $module.Result.after
    $module.ExitJson()
}

try {
    $outcome = Invoke-OnExchangeTarget -Target $target -ScriptBlock $restart
}
catch {
    $module.FailJson("cannot ask $target to restart: $($_.Exception.Message)", $_)
}
# 1115: a shutdown is under way, 1190: one is scheduled. Either will do.
if ($outcome.code -notin @(0, 1115, 1190)) {
    $module.FailJson("shutdown.exe on $target ended with $($outcome.code): $($outcome.text)")
}

# A clock set back during the start would make a later start look earlier, so any other value counts.
$deadline = [DateTime]::UtcNow.AddSeconds($timeout)
$after = $before
$last = 'it has not gone down'
while ([Math]::Abs(($after - $before).TotalSeconds) -lt 5) {
    if ([DateTime]::UtcNow -ge $deadline) {
        $module.FailJson("$target did not come back within $timeout seconds: $last")
    }
    Start-Sleep -Seconds 10
    try {
        $after = Get-BootTime -Target $target
        $last = 'it answers, but has not restarted'
    }
    catch {
        $last = $_.Exception.Message
    }
}

$module.Result.after = @{ last_boot_time = ConvertTo-UtcText -Moment $after }
$module.Diff.after = $module.Result.after
$module.ExitJson()
