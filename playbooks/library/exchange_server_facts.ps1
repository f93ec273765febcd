#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        events_since = @{ type = 'str' }
        events_seconds = @{ type = 'int' }
        domain_controller = @{ type = 'str' }
        scope = @{ type = 'str'; choices = @('state', 'inventory'); default = 'state' }
    }
    mutually_exclusive = @(, @('events_since', 'events_seconds'))
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$domainController = $module.Params.domain_controller
$inventory = $module.Params.scope -eq 'inventory'

$module.Result.changed = $false

$since = [DateTime]::UtcNow.AddHours(-24)
if (-not [string]::IsNullOrEmpty($module.Params.events_since)) {
    $style = [System.Globalization.DateTimeStyles]'AssumeUniversal, AdjustToUniversal'
    $culture = [System.Globalization.CultureInfo]::InvariantCulture
    if (-not [DateTime]::TryParse($module.Params.events_since, $culture, $style, [ref]$since)) {
        $module.FailJson("events_since: '$($module.Params.events_since)' is not an ISO 8601 date and time such as 2012-04-23T20:15:00Z")
    }
}

# By the server's own clock, which may be off: 0 means that $since holds.
$seconds = 0
if ($null -ne $module.Params.events_seconds) { $seconds = [int]$module.Params.events_seconds }

# Windows itself. PowerShell 2.0.
$readWindows = {
    param($InstallPath)
    $ErrorActionPreference = 'Stop'

    function Get-RegistryValue([string]$Path, [string]$Name) {
        $item = Get-ItemProperty -LiteralPath $Path -Name $Name -ErrorAction SilentlyContinue
        if ($item) { return $item.$Name }
        return $null
    }

    $system = Get-WmiObject -Class Win32_OperatingSystem
    $computer = Get-WmiObject -Class Win32_ComputerSystem

    $pending = $false
    foreach ($key in @(
            'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending',
            'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
        )) {
        if (Test-Path -LiteralPath $key) { $pending = $true }
    }
    if (Get-RegistryValue 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager' 'PendingFileRenameOperations') { $pending = $true }
    $volatile = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Updates' 'UpdateExeVolatile'
    if ($volatile -and $volatile -ne 0) { $pending = $true }

    # Windows Installer owns this mutex while it carries out an installation; that it exists says nothing.
    $installing = $false
    try {
        $mutex = [System.Threading.Mutex]::OpenExisting('Global\_MSIExecute')
        try {
            if ($mutex.WaitOne(0, $false)) { $mutex.ReleaseMutex() } else { $installing = $true }
        }
        catch [System.Threading.AbandonedMutexException] {
            $mutex.ReleaseMutex()
        }
        finally {
            $mutex.Close()
        }
    }
    catch [System.Threading.WaitHandleCannotBeOpenedException] {
        $installing = $false
    }

    $free = $null
    foreach ($drive in @($env:SystemDrive, (Split-Path -Path $InstallPath -Qualifier))) {
        $disk = Get-WmiObject -Class Win32_LogicalDisk -Filter "DeviceID='$drive'"
        if ($disk) {
            $megabytes = [int]($disk.FreeSpace / 1048576)
            if ($free -eq $null -or $megabytes -lt $free) { $free = $megabytes }
        }
    }

    # One per build whose files OWA has; a copy in the making has another name.
    $folders = @()
    foreach ($folder in @(Get-ChildItem -Path (Join-Path $InstallPath 'ClientAccess\owa') -ErrorAction SilentlyContinue)) {
        if ($folder -and $folder.PSIsContainer -and $folder.Name -match '^\d+(\.\d+){3}$') { $folders += [string]$folder.Name }
    }

    $policy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'
    $service = Get-WmiObject -Class Win32_Service -Filter "Name='wuauserv'"
    $option = Get-RegistryValue $policy 'AUOptions'
    if ($option -eq $null) {
        $option = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update' 'AUOptions'
    }
    $updates = 'unknown'
    if (((Get-RegistryValue $policy 'NoAutoUpdate') -eq 1) -or (-not $service) -or ($service.StartMode -eq 'Disabled')) {
        $updates = 'disabled'
    }
    elseif ($option -eq 1) { $updates = 'disabled' }
    elseif ($option -eq 2) { $updates = 'notify' }
    elseif ($option -eq 3) { $updates = 'download' }
    elseif ($option -eq 4) { $updates = 'install' }

    return @{
        name = [string]$computer.DNSHostName
        fqdn = ([string]$computer.DNSHostName + '.' + [string]$computer.Domain)
        powershell_version = ('{0}.{1}' -f $PSVersionTable.PSVersion.Major, $PSVersionTable.PSVersion.Minor)
        os_version = [string]$system.Version
        pending_restart = $pending
        installer_running = $installing
        free_disk_mb = $free
        automatic_updates = $updates
        clock = [DateTime]::UtcNow.Ticks
        owa_version_folders = $folders
    }
}

# What only discovery asks for: by which addresses others know this server, and where IIS writes its logs. PowerShell 2.0.
$readPlaces = {
    $ErrorActionPreference = 'Stop'
    $addresses = @()
    foreach ($adapter in @(Get-WmiObject -Class Win32_NetworkAdapterConfiguration -Filter 'IPEnabled=TRUE')) {
        if ($adapter) { $addresses += @($adapter.IPAddress | Where-Object { $_ }) }
    }
    $logs = $null
    $settings = Join-Path $env:SystemRoot 'System32\inetsrv\config\applicationHost.config'
    if (Test-Path -LiteralPath $settings) {
        $sites = ([xml](Get-Content -LiteralPath $settings)).configuration.'system.applicationHost'.sites
        $logs = [Environment]::ExpandEnvironmentVariables([string]$sites.siteDefaults.logFile.directory)
    }
    return @{ ip_addresses = $addresses; iis_log_directory = $logs }
}

# Get-EventLog and not Get-WinEvent: the filter of the latter does not exist on Windows Server 2008. PowerShell 2.0.
$readEvents = {
    param($SinceTicks, $Seconds)
    $ErrorActionPreference = 'Stop'
    $after = (New-Object DateTime -ArgumentList ([long]$SinceTicks), ([DateTimeKind]::Utc)).ToLocalTime()
    if ($Seconds -gt 0) { $after = (Get-Date).AddSeconds(-$Seconds) }
    $wanted = @{
        'MSExchange Common' = @(4999)
        'MSExchange OWA' = @(39, 40, 41, 42, 43, 44, 45, 46, 71)
    }
    foreach ($source in $wanted.Keys) {
        # Finding nothing is an error to Get-EventLog.
        $entries = @(Get-EventLog -LogName Application -Source $source -After $after.AddSeconds(-1) -ErrorAction SilentlyContinue)
        foreach ($entry in $entries) {
            if (-not $entry) { continue }
            # The upper bits of an instance id hold severity and facility.
            $number = [int]($entry.InstanceId -band 0xFFFF)
            if ($wanted[$source] -contains $number) {
                @{
                    time = $entry.TimeGenerated.ToUniversalTime().Ticks
                    source = [string]$entry.Source
                    id = $number
                    level = [string]$entry.EntryType
                    category = [string]$entry.Category
                    message = [string]$entry.Message
                }
            }
        }
    }
}

try {
    $installation = Get-ExchangeInstallation -Target $target
    $windows = Invoke-OnExchangeTarget -Target $target -ScriptBlock $readWindows -ArgumentList @($installation.install_path)
    $services = Get-ExchangeService -Target $target -Product $installation.product -Role $installation.roles
    $rawEvents = @(Invoke-OnExchangeTarget -Target $target -ScriptBlock $readEvents -ArgumentList @($since.Ticks, $seconds))

    $name = Get-ExchangeShortName -Target $target
    $directoryOption = @{}
    if (-not [string]::IsNullOrEmpty($domainController)) { $directoryOption.DomainController = $domainController }

    $server = @(Invoke-ExchangeCommand -Target $target -Product $installation.product -Command 'Get-ExchangeServer' `
            -Parameters (@{ Identity = $name } + $directoryOption)) | Where-Object { $_ -and "$($_.Name)" -eq $name }
    if (@($server).Count -ne 1) {
        throw "Exchange does not know a server $name (or knows several)"
    }
    $server = @($server)[0]

    $dag = $null
    if ($installation.product -ne '2007' -and $installation.roles -contains 'Mailbox') {
        $mailbox = @(Invoke-ExchangeCommand -Target $target -Product $installation.product -Command 'Get-MailboxServer' `
                -Parameters (@{ Identity = $name } + $directoryOption)) | Where-Object { $_ -and "$($_.Name)" -eq $name }
        $memberOf = "$(@($mailbox)[0].DatabaseAvailabilityGroup)"
        if ($memberOf) { $dag = $memberOf }
    }

    $owa = $null
    if ($installation.roles -contains 'ClientAccess') {
        $owa = Get-ExchangeOwaDirectory -Target $target -Product $installation.product -DomainController $domainController
    }

    $directories = $null
    $places = @{ ip_addresses = $null; iis_log_directory = $null }
    if ($inventory) {
        $places = Invoke-OnExchangeTarget -Target $target -ScriptBlock $readPlaces
        $directories = @()
        if ($installation.roles -contains 'ClientAccess') {
            $directories = @(Get-ExchangeVirtualDirectory -Target $target -Product $installation.product -DomainController $domainController)
        }
    }
}
catch {
    $module.FailJson("cannot read Exchange server ${target}: $($_.Exception.Message)", $_)
}

$rollups = @($installation.rollups | Where-Object { $_ })
foreach ($rollup in $rollups) {
    $rollup.kind = if ($rollup.display_name -match '\bInterim Update\b') { 'interim_update' }
    elseif ($rollup.display_name -match '\bRollup\b') { 'rollup' }
    else { 'unknown' }
}

$clock = New-Object -TypeName DateTime -ArgumentList ([long]$windows.clock), ([DateTimeKind]::Utc)
$events = foreach ($entry in @($rawEvents | Sort-Object -Property @{ Expression = { [long]$_.time } })) {
    if (-not $entry) { continue }
    @{
        time_utc = ConvertTo-UtcText -Moment (New-Object -TypeName DateTime -ArgumentList ([long]$entry.time), ([DateTimeKind]::Utc))
        log = 'Application'
        source = [string]$entry.source
        id = [int]$entry.id
        level = [string]$entry.level
        category = [string]$entry.category
        message = [string]$entry.message
    }
}

$module.Result.exchange_server = @{
    name = [string]$windows.name
    fqdn = [string]$windows.fqdn
    product_line = $installation.product
    build = $installation.build
    admin_display_version = "$($server.AdminDisplayVersion)"
    # A distinguished or a canonical name; the site is its last part.
    ad_site = "$($server.Site)".Split('/')[-1]
    roles = $installation.roles
    dag_member = [bool]$dag
    dag = $dag
    powershell_version = [string]$windows.powershell_version
    os_version = [string]$windows.os_version
    pending_restart = [bool]$windows.pending_restart
    installer_running = [bool]$windows.installer_running
    free_disk_mb = [int]$windows.free_disk_mb
    automatic_updates = [string]$windows.automatic_updates
    last_boot_time = ConvertTo-UtcText -Moment $installation.last_boot_utc
    clock_utc = ConvertTo-UtcText -Moment $clock
    rollups = $rollups
    owa_version_folders = @($windows.owa_version_folders | Where-Object { $_ } | ForEach-Object { [string]$_ })
    virtual_directories = @{ owa = $owa }
    all_virtual_directories = $directories
    ip_addresses = if ($inventory) { @($places.ip_addresses | Where-Object { $_ } | ForEach-Object { [string]$_ }) } else { $null }
    iis_log_directory = $places.iis_log_directory
    services = @($services)
    events = @($events)
}

$module.ExitJson()
