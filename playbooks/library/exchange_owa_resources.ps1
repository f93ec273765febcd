#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        build = @{ type = 'str'; required = $true }
        origins = @{ type = 'list'; elements = 'str' }
        share = @{ type = 'str' }
        if_nobody_has_it = @{ type = 'str'; choices = @('fail', 'leave'); default = 'fail' }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$build = $module.Params.build
$module.Result.changed = $false

# Runs on the target in PowerShell 2.0: workers that run finish what they have begun, new ones read the folder.
$recycle = {
    $ErrorActionPreference = 'Stop'
    $pool = 'MSExchangeOWAAppPool'
    $appcmd = Join-Path $env:SystemRoot 'System32\inetsrv\appcmd.exe'
    if (-not (Test-Path -Path $appcmd)) { throw "$appcmd is missing" }
    $state = & $appcmd list apppool $pool '/text:state'
    # A pool that is stopped (drained, or in the middle of an update) reads the folder when it is started.
    if ($state -ne 'Started') { return $false }
    $text = & $appcmd recycle apppool $pool
    if ($LASTEXITCODE -ne 0) { throw [string]$text }
    return $true
}

Function Get-OwaFolder {
    # The folder of OWA on a server, as this host reaches it: by its administrative share, or directly.
    param([Parameter(Mandatory)][string]$Server)

    $path = Join-Path -Path (Get-ExchangeInstallation -Target $Server).install_path -ChildPath 'ClientAccess\owa'
    if (Test-ExchangeTargetIsLocal -Target $Server) { return $path }
    return '\\{0}\{1}$\{2}' -f $Server, $path.Substring(0, 1), $path.Substring(3)
}

Function Get-FileList {
    # Every file below a folder with its length and hash, by its path within.
    param([Parameter(Mandatory)][string]$Folder)

    $files = @{}
    $root = (Get-Item -LiteralPath $Folder).FullName.TrimEnd('\')
    foreach ($file in @(Get-ChildItem -LiteralPath $Folder -Recurse -Force | Where-Object { -not $_.PSIsContainer })) {
        $hash = (Get-FileHash -LiteralPath $file.FullName -Algorithm SHA256).Hash
        $files[$file.FullName.Substring($root.Length + 1)] = '{0} {1}' -f $file.Length, $hash
    }
    return $files
}

Function Compare-FileList {
    # Paths that are in one list only or differ, sorted.
    param([hashtable]$One, [hashtable]$Other)

    $paths = @(@($One.Keys) + @($Other.Keys) | Sort-Object -Unique)
    return @($paths | Where-Object { $One[$_] -ne $Other[$_] })
}

Function Find-Origin {
    # The first place that has the folder with files in it; a server that cannot be read is passed over, and told.
    param([string[]]$Server, [AllowNull()][string]$Share, [System.Collections.Generic.List[string]]$Refused)

    foreach ($name in @($Server | Where-Object { $_ })) {
        try {
            $path = Join-Path -Path (Get-OwaFolder -Server $name) -ChildPath $build
            if (-not (Test-Path -LiteralPath $path)) { $Refused.Add("$name has no $path"); continue }
            $files = Get-FileList -Folder $path
            if ($files.Count) { return @{ name = $name; path = $path; files = $files } }
            $Refused.Add("$path is empty")
        }
        catch {
            $Refused.Add("${name}: $($_.Exception.Message)")
        }
    }
    if (-not [string]::IsNullOrEmpty($Share)) {
        $path = Join-Path -Path $Share -ChildPath $build
        if (Test-Path -LiteralPath $path) {
            $files = Get-FileList -Folder $path
            if ($files.Count) { return @{ name = $path; path = $path; files = $files } }
        }
        $Refused.Add("$path is not there, or empty")
    }
    return $null
}

$module.Result.copied_from = $null
$module.Result.compared_with = $null
$module.Result.recycled = $false
try {
    if ("$build" -notmatch '^\d+(\.\d+){3}$') { throw "'$build' is not a build" }
    $folder = Join-Path -Path (Get-OwaFolder -Server $target) -ChildPath $build
    $module.Result.folder = $folder
    # Beside the folder, and not in it: says that it was put there and the pool not yet recycled.
    $mark = "$folder.new"
    $staging = "$folder.copying"
    $present = Test-Path -LiteralPath $folder
    $before = @{ present = $present; files = 0 }
    $refused = New-Object 'System.Collections.Generic.List[string]'
    $origin = Find-Origin -Server $module.Params.origins -Share $module.Params.share -Refused $refused

    if ($present) {
        $found = Get-FileList -Folder $folder
        $before.files = $found.Count
        if ($origin) {
            $differing = Compare-FileList -One $found -Other $origin.files
            if ($differing.Count) {
                $module.Result.before = $before
                throw ("$folder is there and is not what $($origin.name) has: $($differing.Count) files differ " +
                    "($(@($differing | Select-Object -First 5) -join ', ')). Nothing was overwritten; move it away if it is not yours")
            }
            $module.Result.compared_with = $origin.name
        }
        $after = $before
    }
    elseif ($origin) {
        $module.Result.changed = $true
        $module.Result.copied_from = $origin.name
        $after = @{ present = $true; files = $origin.files.Count }
        if (-not $module.CheckMode) {
            if (Test-Path -LiteralPath $staging) { Remove-Item -LiteralPath $staging -Recurse -Force }
            Copy-Item -LiteralPath $origin.path -Destination $staging -Recurse -Force
            $differing = Compare-FileList -One (Get-FileList -Folder $staging) -Other $origin.files
            if ($differing.Count) { throw "$($differing.Count) files were not copied as they are ($($differing[0])); run this again" }
            [void](New-Item -Path $mark -ItemType File -Force)
            # What is there under its name is there as a whole.
            Rename-Item -LiteralPath $staging -NewName $build
        }
    }
    elseif ($module.Params.if_nobody_has_it -eq 'leave') {
        $after = $before
    }
    else {
        throw ("$folder is not there, and nobody has its files: $($refused -join '; '). Lay the folder $build of an " +
            'installation of that build below the place that exchange_owa_resources names')
    }
    if (-not $module.CheckMode -and (Test-Path -LiteralPath $mark)) {
        $module.Result.recycled = [bool](Invoke-OnExchangeTarget -Target $target -ScriptBlock $recycle)
        $module.Result.changed = $true
        Remove-Item -LiteralPath $mark -Force
    }
}
catch {
    $module.FailJson("cannot give $target the version folder of ${build}: $($_.Exception.Message)", $_)
}

$module.Result.before = $before
$module.Result.after = $after
$module.Diff.before = $before
$module.Diff.after = $after
$module.ExitJson()
