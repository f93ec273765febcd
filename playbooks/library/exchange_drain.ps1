#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        method = @{ type = 'str'; choices = @('nlb', 'owa'); required = $true }
        state = @{ type = 'str'; choices = @('query', 'out', 'back'); default = 'query' }
        prior = @{ type = 'dict' }
        quiet_seconds = @{ type = 'int' }
    }
    required_if = @(, @('state', 'back', @(, 'prior')))
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$method = $module.Params.method
$state = $module.Params.state
$module.Result.changed = $false
$module.Result.proxied_logons = $null

# The next four run on the target in PowerShell 2.0. Each answers the condition it leaves.
$owa = {
    param($Goal, $Automatic)
    $ErrorActionPreference = 'Stop'
    $pool = 'MSExchangeOWAAppPool'
    $appcmd = Join-Path $env:SystemRoot 'System32\inetsrv\appcmd.exe'
    if (-not (Test-Path -Path $appcmd)) { throw "$appcmd is missing" }
    function Read-Pool([string]$Name) {
        $text = & $appcmd list apppool $pool "/text:$Name"
        if ($LASTEXITCODE -ne 0 -or -not $text) { throw "there is no application pool $pool" }
        return [string]$text
    }
    function Invoke-AppCmd {
        $text = & $appcmd @args
        if ($LASTEXITCODE -ne 0) { throw [string]$text }
    }
    if ($Goal) {
        # First what survives a restart: a server that restarts in between stays as it is to be.
        Invoke-AppCmd set apppool $pool "/autoStart:$(([string]$Automatic).ToLower())"
        $now = Read-Pool 'state'
        if ($Goal -eq 'out' -and $now -ne 'Stopped') { Invoke-AppCmd stop apppool $pool }
        if ($Goal -eq 'in' -and $now -ne 'Started') { Invoke-AppCmd start apppool $pool }
    }
    $found = 'draining'
    $state = Read-Pool 'state'
    if ($state -eq 'Started') { $found = 'in' }
    elseif ($state -eq 'Stopped') { $found = 'out' }
    return @{ state = $found; automatic = ((Read-Pool 'autoStart') -eq 'true') }
}

$nlb = {
    param($Goal, $Automatic)
    $ErrorActionPreference = 'Stop'
    $place = 'root\MicrosoftNLB'
    $node = @(Get-WmiObject -Namespace $place -Class MicrosoftNLB_Node | Where-Object { $_.ComputerName -like "$($env:COMPUTERNAME)*" })
    if ($node.Count -ne 1) { throw "$($node.Count) nodes of a network load balancing cluster were found on this server, not one" }
    $setting = @(Get-WmiObject -Namespace $place -Class MicrosoftNLB_NodeSetting)[0]
    if ($Goal) {
        if ([bool]$setting.ClusterModeOnStart -ne [bool]$Automatic) {
            $setting.ClusterModeOnStart = [bool]$Automatic
            [void]$setting.Put()
            [void]$setting.LoadAllSettings()
        }
        # 1005 stopped, 1009 draining
        if ($Goal -eq 'out' -and (1005, 1009) -notcontains $node[0].StatusCode) { [void]$node[0].DrainStop() }
        if ($Goal -eq 'in' -and (1005, 1009) -contains $node[0].StatusCode) { [void]$node[0].Start() }
        $node = @(Get-WmiObject -Namespace $place -Class MicrosoftNLB_Node | Where-Object { $_.ComputerName -like "$($env:COMPUTERNAME)*" })
    }
    $found = 'in'
    if ($node[0].StatusCode -eq 1005) { $found = 'out' }
    elseif ((1006, 1009) -contains $node[0].StatusCode) { $found = 'draining' }
    return @{ state = $found; automatic = [bool]$setting.ClusterModeOnStart }
}

$countLogons = {
    param($Seconds)
    $ErrorActionPreference = 'Stop'
    $since = [DateTime]::UtcNow.AddSeconds(-$Seconds)
    $appcmd = Join-Path $env:SystemRoot 'System32\inetsrv\appcmd.exe'
    $folder = [Environment]::ExpandEnvironmentVariables([string](& $appcmd list site 'Default Web Site' '/text:logFile.directory'))
    $number = [string](& $appcmd list site 'Default Web Site' '/text:id')
    $newest = @(Get-ChildItem -Path (Join-Path $folder "W3SVC$number") -Filter '*.log' | Sort-Object -Property LastWriteTime)[-1]
    if (-not $newest) { return 0 }
    $count = 0
    # IIS holds the file open.
    $stream = New-Object IO.FileStream($newest.FullName, 'Open', 'Read', 'ReadWrite')
    $reader = New-Object IO.StreamReader($stream)
    try {
        while (($line = $reader.ReadLine()) -ne $null) {
            if ($line -notmatch '^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) .*POST /owa/proxyLogon\.owa') { continue }
            $moment = [DateTime]::ParseExact("$($Matches[1]) $($Matches[2])", 'yyyy-MM-dd HH:mm:ss', [Globalization.CultureInfo]::InvariantCulture)
            if ($moment -ge $since) { $count++ }
        }
    }
    finally { $reader.Close() }
    return $count
}

$blocks = @{ owa = $owa; nlb = $nlb }
Function Invoke-Condition {
    param([AllowNull()][string]$Goal, [bool]$Automatic)

    $found = Invoke-OnExchangeTarget -Target $target -ScriptBlock $blocks[$method] -ArgumentList @($Goal, $Automatic)
    return @{ state = [string]$found.state; automatic = [bool]$found.automatic }
}

try {
    $before = Invoke-Condition -Goal $null -Automatic $false
    $after = $before
    $goal = $null
    if ($state -eq 'out') { $goal = @{ state = 'out'; automatic = $false } }
    elseif ($state -eq 'back') {
        $goal = @{ state = 'in'; automatic = [bool]$module.Params.prior.automatic }
        if ($module.Params.prior.state -eq 'out') { $goal.state = 'out' }
    }
    if ($goal -and ($before.state -ne $goal.state -or $before.automatic -ne $goal.automatic)) {
        $module.Result.changed = $true
        $after = $goal
        if (-not $module.CheckMode) { $after = Invoke-Condition -Goal $goal.state -Automatic $goal.automatic }
    }
    if ($module.Params.quiet_seconds) {
        $counted = Invoke-OnExchangeTarget -Target $target -ScriptBlock $countLogons -ArgumentList @($module.Params.quiet_seconds)
        $module.Result.proxied_logons = [int]$counted
    }
}
catch {
    $module.FailJson("cannot bring $method of $target to the state '$state': $($_.Exception.Message)", $_)
}

$module.Result.before = $before
$module.Result.after = $after
$module.Diff.before = $before
$module.Diff.after = $after
$module.ExitJson()
