#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        state = @{ type = 'str'; choices = @('present', 'absent'); default = 'present' }
        kind = @{ type = 'str'; choices = @('rollup', 'service_pack'); default = 'rollup' }
        build = @{ type = 'str'; required = $true }
        path = @{ type = 'str' }
        sha256 = @{ type = 'str' }
        patch_code = @{ type = 'str' }
        kb = @{ type = 'str' }
        wait_seconds = @{ type = 'int'; default = 30 }
    }
    required_if = @(
        @('state', 'present', @('path', 'sha256')),
        @('state', 'absent', @(, 'patch_code'))
    )
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$state = $module.Params.state
$isServicePack = $module.Params.kind -eq 'service_pack'
$path = $module.Params.path
$waitSeconds = $module.Params.wait_seconds
if ($null -eq $waitSeconds) { $waitSeconds = 30 }
$patchCode = "$($module.Params.patch_code)".ToUpperInvariant()
$sha256 = "$($module.Params.sha256)".ToLowerInvariant()

$module.Result.changed = $false
$module.Result.exit_code = $null
$module.Result.log_path = $null

$build = ConvertTo-ExchangeBuild -Text $module.Params.build
if ($null -eq $build) {
    $module.FailJson("build: '$($module.Params.build)' is not a build such as 14.2.298.4")
}
if ($patchCode -and $patchCode -notmatch '^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$') {
    $module.FailJson("patch_code: '$patchCode' is not a code in braces")
}
if ($state -eq 'present' -and $sha256 -notmatch '^[0-9a-f]{64}$') {
    $module.FailJson("sha256: '$sha256' is not 64 hexadecimal digits")
}
if ($isServicePack -and $state -eq 'absent') {
    $module.FailJson("service pack $build cannot be removed: removing it would remove Exchange")
}
$title = if ($isServicePack) { "service pack $build" } else { "rollup $build" }
if ($module.Params.kb) { $title = "$title ($($module.Params.kb))" }

# What the same arguments are: a task started for others is never mistaken for ours.
$key = "$state|$build|$path|$sha256|$patchCode"
if ($isServicePack) { $key = "$key|service_pack" }
$jobName = "$state-$build"

# The codes of the task itself, beside those of Windows Installer.
$packageMissing = 60001
$packageAltered = 60002
$jobBroken = 60003

# What the scheduled task runs as SYSTEM, in PowerShell 2.0. Plain text read from a file and no script file: an execution
# policy set by group policy would forbid the latter.
$jobText = @'
param([string]$Folder)
$ErrorActionPreference = 'Stop'
Set-Content -Path (Join-Path $Folder 'pid') -Value $PID

function Complete-Job([int]$Code, [string]$Text) {
    Set-Content -Path (Join-Path $Folder 'message') -Value $Text
    # Moved into place, so that nobody ever reads half a number.
    Set-Content -Path (Join-Path $Folder 'exit.new') -Value $Code
    Move-Item -Path (Join-Path $Folder 'exit.new') -Destination (Join-Path $Folder 'exit') -Force
}

try {
    $job = Import-Clixml -Path (Join-Path $Folder 'job.xml')
    $modes = @{}
    foreach ($service in @(Get-WmiObject -Class Win32_Service)) { $modes[$service.Name] = $service.StartMode }

    if ($job.state -eq 'present') {
        if (-not (Test-Path -LiteralPath $job.path)) {
            Complete-Job 60001 "$($job.path) cannot be read by the computer account of this server"
            return
        }
        # Checked and installed from the same copy: the original may change in between. Set-up needs the folder it lies in.
        $package = $job.path
        if ($job.kind -ne 'service_pack') {
            $package = Join-Path $Folder 'package.msp'
            Copy-Item -LiteralPath $job.path -Destination $package -Force
        }
        $stream = [System.IO.File]::OpenRead($package)
        try { $bytes = [System.Security.Cryptography.SHA256]::Create().ComputeHash($stream) } finally { $stream.Close() }
        $hash = ''
        foreach ($byte in $bytes) { $hash += $byte.ToString('x2') }
        if ($hash -ne $job.sha256) {
            Complete-Job 60002 "SHA-256 of $($job.path) is $hash"
            return
        }
        $program = Join-Path $env:SystemRoot 'System32\msiexec.exe'
        $arguments = '/update "' + $package + '" /qn /norestart /l*v "' + $job.log + '"'
        if ($job.kind -eq 'service_pack') {
            $program = $package
            $arguments = '/mode:Upgrade'
        }
    }
    else {
        $program = Join-Path $env:SystemRoot 'System32\msiexec.exe'
        $arguments = '/i ' + $job.product_code + ' MSIPATCHREMOVE=' + $job.patch_code + ' /qn /norestart /l*v "' + $job.log + '"'
    }

    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $program
    $start.Arguments = $arguments
    $start.UseShellExecute = $false
    $process = [System.Diagnostics.Process]::Start($start)
    $process.WaitForExit()
    $code = $process.ExitCode

    # A failed installation leaves services disabled that it meant to enable again.
    foreach ($service in @(Get-WmiObject -Class Win32_Service)) {
        $mode = $modes[$service.Name]
        if ($service.StartMode -eq 'Disabled' -and $mode -and $mode -ne 'Disabled') {
            if ($mode -eq 'Auto') { $mode = 'Automatic' }
            [void]$service.ChangeStartMode($mode)
        }
    }
    if (Test-Path -Path (Join-Path $Folder 'package.msp')) { Remove-Item -Path (Join-Path $Folder 'package.msp') -Force }
    Complete-Job $code ''
}
catch {
    Complete-Job 60003 ([string]$_.Exception.Message)
}
'@

# The next four run on the target in PowerShell 2.0. The folder lies under the Windows directory because only
# administrators may write there: what SYSTEM runs must not be for others to change.
$readJob = {
    param($Name)
    $ErrorActionPreference = 'Stop'
    $folder = Join-Path (Join-Path $env:SystemRoot 'ExchangeRollup') $Name
    $description = Join-Path $folder 'job.xml'
    if (-not (Test-Path -Path $description)) { return @{ exists = $false } }
    $job = Import-Clixml -Path $description

    $running = $false
    try {
        $scheduler = New-Object -ComObject Schedule.Service
        $scheduler.Connect()
        # 2 queued, 4 running
        $running = (2, 4) -contains $scheduler.GetFolder('\').GetTask("ExchangeRollup $Name").State
    }
    catch { $running = $false }

    $exit = $null
    $ended = $null
    $text = ''
    $exitFile = Join-Path $folder 'exit'
    if (Test-Path -Path $exitFile) {
        $exit = [int](Get-Content -Path $exitFile)
        $ended = (Get-Item -Path $exitFile).LastWriteTimeUtc.Ticks
        $text = [string](Get-Content -Path (Join-Path $folder 'message'))
        $running = $false
    }
    return @{
        exists = $true
        key = [string]$job.key
        log = [string]$job.log
        before = $job.before
        running = $running
        exit = $exit
        ended = $ended
        text = $text
        reported = (Test-Path -Path (Join-Path $folder 'reported'))
    }
}

$startJob = {
    param($Name, $Job, $Text)
    $ErrorActionPreference = 'Stop'
    $folder = Join-Path (Join-Path $env:SystemRoot 'ExchangeRollup') $Name
    if (-not (Test-Path -Path $folder)) { [void](New-Item -Path $folder -ItemType Directory -Force) }
    foreach ($old in 'pid', 'exit', 'exit.new', 'message', 'reported', 'job.xml', 'package.msp') {
        $file = Join-Path $folder $old
        if (Test-Path -Path $file) { Remove-Item -Path $file -Force }
    }
    $Job.log = Join-Path $folder ('msiexec-' + [DateTime]::UtcNow.ToString('yyyyMMddHHmmss') + '.log')
    Set-Content -Path (Join-Path $folder 'job.txt') -Value $Text
    Export-Clixml -Path (Join-Path $folder 'job.xml') -InputObject $Job -Depth 5

    $scheduler = New-Object -ComObject Schedule.Service
    $scheduler.Connect()
    $definition = $scheduler.NewTask(0)
    $definition.RegistrationInfo.Description = 'Installs or removes an Exchange update rollup.'
    $definition.Settings.ExecutionTimeLimit = 'PT12H'
    $definition.Settings.DisallowStartIfOnBatteries = $false
    $definition.Settings.StopIfGoingOnBatteries = $false
    $definition.Settings.AllowHardTerminate = $false
    $definition.Principal.RunLevel = 1
    $action = $definition.Actions.Create(0)
    $action.Path = Join-Path $env:SystemRoot 'System32\WindowsPowerShell\v1.0\powershell.exe'
    $action.Arguments = '-NoProfile -NonInteractive -Command "& ([scriptblock]::Create([IO.File]::ReadAllText(''' +
        (Join-Path $folder 'job.txt') + '''))) ''' + $folder + '''"'
    # 6 create or update, 5 service account
    $task = $scheduler.GetFolder('\').RegisterTaskDefinition("ExchangeRollup $Name", $definition, 6, 'SYSTEM', $null, 5)
    [void]$task.Run($null)

    $deadline = [DateTime]::UtcNow.AddSeconds(60)
    while (-not (Test-Path -Path (Join-Path $folder 'pid'))) {
        if ([DateTime]::UtcNow -gt $deadline) { throw 'the scheduled task did not start within 60 seconds' }
        Start-Sleep -Milliseconds 500
    }
}

$closeJob = {
    param($Name)
    $ErrorActionPreference = 'Stop'
    $folder = Join-Path (Join-Path $env:SystemRoot 'ExchangeRollup') $Name
    Set-Content -Path (Join-Path $folder 'reported') -Value '1'
    try {
        $scheduler = New-Object -ComObject Schedule.Service
        $scheduler.Connect()
        $scheduler.GetFolder('\').DeleteTask("ExchangeRollup $Name", 0)
    }
    catch { Write-Warning ([string]$_) }
}

$hashFile = {
    param($Path)
    $ErrorActionPreference = 'Stop'
    if (-not (Test-Path -LiteralPath $Path)) {
        # A folder that cannot be seen says nothing about the file in it.
        if (Test-Path -Path (Split-Path -Path $Path -Parent)) { return 'missing' }
        return 'unseen'
    }
    $stream = [System.IO.File]::OpenRead($Path)
    try { $bytes = [System.Security.Cryptography.SHA256]::Create().ComputeHash($stream) } finally { $stream.Close() }
    $hash = ''
    foreach ($byte in $bytes) { $hash += $byte.ToString('x2') }
    return $hash
}

Function Get-State {
    param([Parameter(Mandatory)][hashtable]$Installation)

    return @{ build = $Installation.build; rollups = @($Installation.rollups) }
}

Function ConvertTo-PlainState {
    # What comes back from a file on the target through remoting, as the plain values a result consists of.
    param($State)

    $rollups = foreach ($rollup in @($State.rollups)) {
        if (-not $rollup) { continue }
        @{
            patch_code = [string]$rollup.patch_code
            build = if ($rollup.build) { [string]$rollup.build } else { $null }
            kb = if ($rollup.kb) { [string]$rollup.kb } else { $null }
            display_name = [string]$rollup.display_name
            cached_package = [bool]$rollup.cached_package
        }
    }
    return @{ build = [string]$State.build; rollups = @($rollups) }
}

Function Test-Patched {
    param([Parameter(Mandatory)][hashtable]$Installation)

    return [bool]@($Installation.rollups | Where-Object { $_.patch_code -eq $patchCode }).Count
}

Function Test-GoalReached {
    param([Parameter(Mandatory)][hashtable]$Installation)

    if ($state -eq 'absent') { return -not (Test-Patched -Installation $Installation) }
    return $Installation.build -eq $build
}

Function Test-RestartOutstanding {
    # Asked of what is on the disk of the target, so that the answer survives a lost connection and a second run.
    param([Parameter(Mandatory)][hashtable]$Job, [Parameter(Mandatory)][hashtable]$Installation)

    return [bool]($Job.exists -and $Job.key -eq $key -and $Job.exit -eq 3010 -and $Installation.last_boot_utc.Ticks -lt [long]$Job.ended)
}

Function Exit-WithState {
    param([bool]$Changed, [bool]$Finished, [bool]$RestartRequired, [hashtable]$Before, [hashtable]$After)

    $module.Result.changed = $Changed
    $module.Result.finished = $Finished
    $module.Result.restart_required = $RestartRequired
    $module.Result.before = $Before
    $module.Result.after = $After
    $module.Diff.before = $Before
    $module.Diff.after = $After
    $module.ExitJson()
}

Function Get-ExitText {
    param([int]$Code)

    $known = @{
        1602 = 'cancelled'
        1603 = 'fatal error during the installation; see the log'
        1605 = 'Exchange is not installed as Windows Installer sees it'
        1612 = 'the source of an earlier package is needed and was not found'
        1635 = 'the package cannot be opened'
        1636 = 'the package is not a valid patch'
        1642 = 'the package does not belong to this service pack'
        1646 = 'the patch cannot be removed'
        1647 = 'the patch is not installed'
    }
    if ($known.ContainsKey($Code)) { return $known[$Code] }
    return 'see the log'
}

Function Test-Package {
    # Refuses what is certain to be wrong. What cannot be seen from here is left to the task, which runs as SYSTEM and
    # checks before it installs: over remoting the target has no credential for a share.
    if ($path.StartsWith('\\')) {
        $hash = try { & $hashFile $path } catch { 'unseen' }
    }
    else {
        $hash = Invoke-OnExchangeTarget -Target $target -ScriptBlock $hashFile -ArgumentList @($path)
    }
    if ($hash -eq 'missing') {
        $module.FailJson("package of ${title}: $path does not exist")
    }
    elseif ($hash -eq 'unseen') {
        if ($module.CheckMode) { $module.Warn("$path cannot be read from $($env:COMPUTERNAME); the package was not checked") }
    }
    elseif ($hash -ne $sha256) {
        $module.FailJson("package of ${title}: $path was altered, its SHA-256 is $hash and not $sha256")
    }
}

Function Wait-Job {
    # Returns the last answer; a connection that drops while the installer stops services counts as still running.
    $deadline = [DateTime]::UtcNow.AddSeconds($waitSeconds)
    while ($true) {
        $job = Invoke-OnExchangeTarget -Target $target -ScriptBlock $readJob -ArgumentList @($jobName) -RetrySeconds ([Math]::Max($waitSeconds, 30))
        $left = ($deadline - [DateTime]::UtcNow).TotalSeconds
        if (-not $job.running -or $left -le 0) { return $job }
        Start-Sleep -Seconds ([Math]::Max(1, [Math]::Min(5, [int]$left)))
    }
}

try {
    $installation = Get-ExchangeInstallation -Target $target -RetrySeconds $waitSeconds
    $job = Invoke-OnExchangeTarget -Target $target -ScriptBlock $readJob -ArgumentList @($jobName) -RetrySeconds $waitSeconds
}
catch {
    $module.FailJson("cannot read the state of ${target}: $($_.Exception.Message)", $_)
}
$live = Get-State -Installation $installation

if ($job.exists -and $job.running -and $job.key -ne $key) {
    $module.FailJson("another task ($jobName) with other arguments is running on $target; wait until it has ended")
}
$ours = $job.exists -and $job.key -eq $key
$open = $ours -and -not $job.reported -and ($job.running -or $null -ne $job.exit)

if (-not $open) {
    if (Test-GoalReached -Installation $installation) {
        $restart = Test-RestartOutstanding -Job $job -Installation $installation
        Exit-WithState -Changed $false -Finished $true -RestartRequired $restart -Before $live -After $live
    }
    if (Test-RestartOutstanding -Job $job -Installation $installation) {
        # Done but for the restart: starting again would install over a half replaced set of files.
        Exit-WithState -Changed $false -Finished $true -RestartRequired $true -Before $live -After $live
    }

    $liveParts = $installation.build.Split('.')
    $goalParts = $build.Split('.')
    if ($isServicePack) {
        $sameLine = $liveParts[0] -eq $goalParts[0]
        if (-not $sameLine -or [int]$liveParts[1] -ge [int]$goalParts[1]) {
            $module.FailJson("$title does not go onto $($installation.build), which $target runs")
        }
        try { Test-Package } catch { $module.FailJson("cannot check $path on ${target}: $($_.Exception.Message)", $_) }
    }
    elseif ($state -eq 'present') {
        if ($liveParts[0] -ne $goalParts[0] -or $liveParts[1] -ne $goalParts[1]) {
            $module.FailJson(
                "$title belongs to service pack $($goalParts[0]).$($goalParts[1]), $target runs $($installation.build): " +
                "bring the server to that service pack first"
            )
        }
        if ([Version]$installation.build -gt [Version]$build) {
            $module.FailJson("$target runs $($installation.build), which is newer than ${title}: remove the newer rollup first (state: absent)")
        }
        try { Test-Package } catch { $module.FailJson("cannot check $path on ${target}: $($_.Exception.Message)", $_) }
    }
    else {
        $patch = @($installation.rollups | Where-Object { $_.patch_code -eq $patchCode })[0]
        if (-not $patch.cached_package) {
            $module.FailJson("$title cannot be removed from ${target}: Windows Installer has lost its own copy of $patchCode")
        }
    }

    if ($module.CheckMode) {
        if ($isServicePack) {
            # Set-up removes the rollups of the service pack before.
            $predicted = @{ build = $build; rollups = @() }
        }
        elseif ($state -eq 'present') {
            $added = @{ patch_code = $patchCode; build = $build; kb = $module.Params.kb; display_name = $title; cached_package = $true }
            $predicted = @{ build = $build; rollups = @($live.rollups) + @($added) }
        }
        else {
            $predicted = @{ build = $null; rollups = @($live.rollups | Where-Object { $_.patch_code -ne $patchCode }) }
        }
        Exit-WithState -Changed $true -Finished $true -RestartRequired $false -Before $live -After $predicted
    }

    $arguments = @{
        key = $key
        state = $state
        kind = [string]$module.Params.kind
        path = $path
        sha256 = $sha256
        patch_code = $patchCode
        product_code = $installation.product_code
        before = $live
    }
    try {
        $null = Invoke-OnExchangeTarget -Target $target -ScriptBlock $startJob -ArgumentList @($jobName, $arguments, $jobText)
    }
    catch {
        $module.FailJson("cannot start the task on ${target}: $($_.Exception.Message)", $_)
    }
}
elseif ($module.CheckMode) {
    Exit-WithState -Changed $true -Finished $true -RestartRequired $false -Before (ConvertTo-PlainState -State $job.before) -After $live
}

try {
    $job = Wait-Job
}
catch {
    # The task goes on without us; the next call attaches to it.
    $module.Warn("lost sight of the task on ${target}: $($_.Exception.Message)")
    Exit-WithState -Changed $true -Finished $false -RestartRequired $false -Before $live -After $live
}

$module.Result.log_path = [string]$job.log
$before = ConvertTo-PlainState -State $job.before

if ($job.running) {
    Exit-WithState -Changed $true -Finished $false -RestartRequired $false -Before $before -After $live
}

if ($null -ne $job.exit -and $job.exit -lt $packageMissing) {
    $module.Result.exit_code = [int]$job.exit
}
try {
    $installation = Get-ExchangeInstallation -Target $target -RetrySeconds ([Math]::Max($waitSeconds, 60))
    $null = Invoke-OnExchangeTarget -Target $target -ScriptBlock $closeJob -ArgumentList @($jobName) -RetrySeconds 60
}
catch {
    $module.FailJson("the task on $target has ended, but its outcome cannot be read: $($_.Exception.Message)", $_)
}
$live = Get-State -Installation $installation

if ($null -eq $job.exit) {
    if (Test-GoalReached -Installation $installation) {
        Exit-WithState -Changed $true -Finished $true -RestartRequired $false -Before $before -After $live
    }
    $module.FailJson("the task on $target ended without an exit code and the build is $($live.build); look at $($job.log) and run again")
}
switch ([int]$job.exit) {
    { $_ -in @(0, 3010) } {
        if ($_ -eq 0 -and -not (Test-GoalReached -Installation $installation)) {
            $module.FailJson("Windows Installer reported success for $title on $target, but the build is $($live.build); look at $($job.log)")
        }
        Exit-WithState -Changed $true -Finished $true -RestartRequired ($_ -eq 3010) -Before $before -After $live
    }
    1618 {
        $module.Warn("another installation is running on $target; waiting for it")
        Exit-WithState -Changed $false -Finished $false -RestartRequired $false -Before $before -After $live
    }
    $packageMissing { $module.FailJson("package of ${title}: $($job.text)") }
    $packageAltered { $module.FailJson("package of $title was altered: $($job.text) and not $sha256") }
    $jobBroken { $module.FailJson("the task for $title on $target broke off: $($job.text)") }
    default {
        if ($isServicePack) {
            $module.FailJson("set-up ended with $($job.exit) for $title on ${target}: see C:\ExchangeSetupLogs\ExchangeSetup.log there")
        }
        $module.FailJson("Windows Installer ended with $($job.exit) for $title on ${target}: $(Get-ExitText -Code $job.exit) ($($job.log))")
    }
}
