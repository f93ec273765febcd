# SPDX-License-Identifier: GPL-3.0-or-later

# How the exchange_* modules reach one Exchange server from a management host, and what several of them read from it.
#
# Two PowerShell versions meet in this file. The functions run on the management host (5.1). Every script block that is
# handed to Invoke-OnExchangeTarget is parsed and run by PowerShell 2.0 on the server: no -in, no [pscustomobject], no
# simplified Where-Object, no ConvertTo-Json, no Get-Content -Raw there.

# Windows Installer writes product codes into the registry with the digits of each group reversed.
$script:PackedProductCode = @{
    '2007' = '461C2B4266EDEF444B864AD6D9E5B613'
    '2010' = 'AE1D439464EB1B8488741FFA028E291C'
}

# What Test-ServiceHealth asks of each role. A table, because the cmdlet itself needs IIS and Windows Remote Management,
# which are the first things a failed installation leaves disabled. POP3 and IMAP4 are left out on purpose.
$script:RequiredService = @{
    '2010' = @{
        ClientAccess = @(
            'IISADMIN', 'MSExchangeAB', 'MSExchangeADTopology', 'MSExchangeFBA', 'MSExchangeFDS', 'MSExchangeMailboxReplication',
            'MSExchangeProtectedServiceHost', 'MSExchangeRPC', 'MSExchangeServiceHost', 'W3SVC', 'WinRM'
        )
        HubTransport = @(
            'IISADMIN', 'MSExchangeADTopology', 'MSExchangeEdgeSync', 'MSExchangeServiceHost', 'MSExchangeTransport',
            'MSExchangeTransportLogSearch', 'W3SVC', 'WinRM'
        )
        UnifiedMessaging = @(
            'IISADMIN', 'MSExchangeADTopology', 'MSExchangeFDS', 'MSExchangeServiceHost', 'MSExchangeUM', 'W3SVC', 'WinRM'
        )
    }
    '2007' = @{
        ClientAccess = @('IISADMIN', 'MSExchangeADTopology', 'MSExchangeFDS', 'MSExchangeServiceHost', 'W3SVC', 'WinRM')
        HubTransport = @(
            'MSExchangeADTopology', 'MSExchangeEdgeSync', 'MSExchangeTransport', 'MSExchangeTransportLogSearch', 'WinRM'
        )
        UnifiedMessaging = @('MSExchangeADTopology', 'MSExchangeFDS', 'MSExchangeUM', 'MSS', 'WinRM')
    }
}

Function Get-ExchangeShortName {
    <#
    .SYNOPSIS
    The first label of a server name. Throws on an empty name: Exchange cmdlets answer an empty identity with every
    object of the organisation.
    #>
    param([AllowNull()][string]$Target)

    $name = "$Target".Trim().Split('.')[0]
    if ([string]::IsNullOrEmpty($name)) {
        throw 'target is empty; refusing, because Exchange would take that as every server.'
    }
    return $name
}

Function Test-ExchangeTargetIsLocal {
    <#
    .SYNOPSIS
    Whether the target is the machine this module runs on.
    #>
    param([Parameter(Mandatory)][string]$Target)

    return (Get-ExchangeShortName -Target $Target) -eq $env:COMPUTERNAME
}

Function Invoke-OnExchangeTarget {
    <#
    .SYNOPSIS
    Runs a script block, written for PowerShell 2.0, on the target; in this process where the target is this machine.

    .PARAMETER RetrySeconds
    How long a refused or dropped connection is tried again. The installer stops services under a running session, so a
    caller that only reads may well wait for it. Errors of the script block itself are never retried.
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [Parameter(Mandatory)][scriptblock]$ScriptBlock,
        [object[]]$ArgumentList = @(),
        [int]$RetrySeconds = 0
    )

    if (Test-ExchangeTargetIsLocal -Target $Target) {
        return & $ScriptBlock @ArgumentList
    }

    $option = New-PSSessionOption -OpenTimeout 60000 -OperationTimeout 240000 -CancelTimeout 15000
    $deadline = [DateTime]::UtcNow.AddSeconds($RetrySeconds)
    while ($true) {
        try {
            return Invoke-Command -ComputerName $Target -Authentication Kerberos -SessionOption $option `
                -ScriptBlock $ScriptBlock -ArgumentList $ArgumentList -ErrorAction Stop
        }
        catch [System.Management.Automation.Remoting.PSRemotingTransportException] {
            if ([DateTime]::UtcNow -ge $deadline) {
                throw "cannot reach $Target over PowerShell remoting from $($env:COMPUTERNAME): $($_.Exception.Message)"
            }
            Start-Sleep -Seconds 5
        }
    }
}

Function ConvertTo-UtcText {
    <#
    .SYNOPSIS
    ISO 8601 in UTC to the second, whatever the culture of the machine.
    #>
    param([Parameter(Mandatory)][DateTime]$Moment)

    return $Moment.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [System.Globalization.CultureInfo]::InvariantCulture)
}

Function ConvertTo-ExchangeBuild {
    <#
    .SYNOPSIS
    A build without zero padding: 14.02.0283.003 becomes 14.2.283.3. Null for anything that is no build.
    #>
    param([AllowNull()][string]$Text)

    if ("$Text" -notmatch '^\d+\.\d+\.\d+\.\d+$') {
        return $null
    }
    return (@($Text.Split('.') | ForEach-Object { [int]$_ }) -join '.')
}

Function Get-ExchangeInstallation {
    <#
    .SYNOPSIS
    Product line, build, roles and patches of the target, from its registry and files: works while Exchange is down.

    .OUTPUTS
    Hashtable: product ('2007' or '2010'), product_code, build, install_path, roles, rollups, last_boot_utc.
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [int]$RetrySeconds = 0
    )

    $read = {
        param($PackedProductCode)
        $ErrorActionPreference = 'Stop'

        function Expand-InstallerCode([string]$Packed) {
            $order = 7, 6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 15, 14, 13, 12, 17, 16, 19, 18, 21, 20, 23, 22, 25, 24, 27, 26, 29, 28, 31, 30
            $plain = ''
            foreach ($position in $order) { $plain += $Packed[$position] }
            return '{' + $plain.Substring(0, 8) + '-' + $plain.Substring(8, 4) + '-' + $plain.Substring(12, 4) + '-' +
                $plain.Substring(16, 4) + '-' + $plain.Substring(20, 12) + '}'
        }

        function Get-RegistryValue([string]$Path, [string]$Name) {
            $item = Get-ItemProperty -LiteralPath $Path -Name $Name -ErrorAction SilentlyContinue
            if ($item) { return $item.$Name }
            return $null
        }

        $product = $null
        $installPath = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v14\Setup' 'MsiInstallPath'
        $roleKey = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v14'
        if ($installPath) {
            $product = '2010'
        }
        else {
            $installPath = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Exchange\Setup' 'MsiInstallPath'
            $roleKey = 'HKLM:\SOFTWARE\Microsoft\Exchange\v8.0'
            if ($installPath) { $product = '2007' }
        }
        if (-not $product) {
            throw 'no installation of Exchange 2007 or 2010 found in the registry'
        }

        $setup = Join-Path (Join-Path $installPath 'bin') 'ExSetup.exe'
        if (-not (Test-Path -LiteralPath $setup)) {
            throw "$setup is missing, so the build cannot be told"
        }
        # The numbers, not the text: the text is zero padded.
        $version = (Get-Item -LiteralPath $setup).VersionInfo
        $build = '{0}.{1}.{2}.{3}' -f $version.FileMajorPart, $version.FileMinorPart, $version.FileBuildPart, $version.FilePrivatePart

        $roles = @()
        $roleNames = @{
            ClientAccessRole = 'ClientAccess'
            EdgeTransportRole = 'Edge'
            HubTransportRole = 'HubTransport'
            MailboxRole = 'Mailbox'
            UnifiedMessagingRole = 'UnifiedMessaging'
        }
        foreach ($key in $roleNames.Keys) {
            if (Get-RegistryValue (Join-Path $roleKey $key) 'ConfiguredVersion') { $roles += $roleNames[$key] }
        }

        $installer = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18'
        $packed = $PackedProductCode[$product]
        $rollups = @()
        foreach ($key in @(Get-ChildItem -LiteralPath "$installer\Products\$packed\Patches" -ErrorAction SilentlyContinue)) {
            if (-not $key) { continue }
            $patch = Get-ItemProperty -LiteralPath $key.PSPath
            # 1 applied, 2 superseded, 4 obsoleted
            if ($patch.State -and $patch.State -ne 1) { continue }
            $cached = Get-RegistryValue "$installer\Patches\$($key.PSChildName)" 'LocalPackage'
            $rollups += @{
                patch_code = Expand-InstallerCode $key.PSChildName
                display_name = [string]$patch.DisplayName
                installed = [string]$patch.Installed
                cached_package = [bool]($cached -and (Test-Path -LiteralPath $cached))
            }
        }

        $system = Get-WmiObject -Class Win32_OperatingSystem
        return @{
            product = $product
            product_code = Expand-InstallerCode $packed
            build = $build
            install_path = [string]$installPath
            roles = $roles
            rollups = $rollups
            last_boot = [Management.ManagementDateTimeConverter]::ToDateTime($system.LastBootUpTime).ToUniversalTime().Ticks
        }
    }

    $raw = Invoke-OnExchangeTarget -Target $Target -ScriptBlock $read -ArgumentList @($script:PackedProductCode) -RetrySeconds $RetrySeconds
    $rollups = foreach ($rollup in @($raw.rollups)) {
        if (-not $rollup) { continue }
        $name = [string]$rollup.display_name
        @{
            patch_code = [string]$rollup.patch_code
            build = if ($name -match '\b(\d+\.\d+\.\d+\.\d+)\b') { ConvertTo-ExchangeBuild -Text $Matches[1] } else { $null }
            kb = if ($name -match '\b(KB\d{6,7})\b') { $Matches[1].ToUpperInvariant() } else { $null }
            display_name = $name
            cached_package = [bool]$rollup.cached_package
            installed = [string]$rollup.installed
        }
    }
    $sorted = @($rollups | Sort-Object -Property @{ Expression = { $_.installed } }, @{
            Expression = { if ($_.build) { [Version]$_.build } else { [Version]'0.0' } }
        })
    foreach ($rollup in $sorted) { $rollup.Remove('installed') }

    return @{
        product = [string]$raw.product
        product_code = [string]$raw.product_code
        build = [string]$raw.build
        install_path = [string]$raw.install_path
        roles = @(@($raw.roles) | Where-Object { $_ } | ForEach-Object { [string]$_ } | Sort-Object)
        rollups = $sorted
        last_boot_utc = New-Object -TypeName DateTime -ArgumentList ([long]$raw.last_boot), ([DateTimeKind]::Utc)
    }
}

Function Invoke-ExchangeCommand {
    <#
    .SYNOPSIS
    Runs one Exchange cmdlet of the target's own organisation tools and returns its output; throws on its first error.

    .DESCRIPTION
    2010 is asked in the session configuration Microsoft.Exchange, which runs no script language: command and parameters
    are handed over as such. 2007 has no such configuration, so its snap-in is loaded on the target.
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [Parameter(Mandatory)][string]$Product,
        [Parameter(Mandatory)][string]$Command,
        [hashtable]$Parameters = @{}
    )

    if ($Product -eq '2007') {
        $run = {
            param($Command, $Parameters)
            $ErrorActionPreference = 'Stop'
            $snapin = 'Microsoft.Exchange.Management.PowerShell.Admin'
            if (-not (Get-PSSnapin -Name $snapin -ErrorAction SilentlyContinue)) { Add-PSSnapin -Name $snapin }
            & $Command @Parameters
        }
        return Invoke-OnExchangeTarget -Target $Target -ScriptBlock $run -ArgumentList @($Command, $Parameters)
    }

    $session = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri "http://$Target/PowerShell/" `
        -Authentication Kerberos -AllowRedirection -ErrorAction Stop
    $pipeline = [System.Management.Automation.PowerShell]::Create()
    try {
        $pipeline.Runspace = $session.Runspace
        [void]$pipeline.AddCommand($Command)
        foreach ($name in $Parameters.Keys) {
            [void]$pipeline.AddParameter($name, $Parameters[$name])
        }
        $output = $pipeline.Invoke()
        if ($pipeline.Streams.Error.Count -gt 0) {
            throw "$Command on ${Target}: $($pipeline.Streams.Error[0].Exception.Message)"
        }
        return $output
    }
    finally {
        $pipeline.Dispose()
        Remove-PSSession -Session $session -ErrorAction SilentlyContinue
    }
}

Function Get-ExchangeOwaDirectory {
    <#
    .SYNOPSIS
    The one OWA virtual directory of the target. Throws where there is none or more than one.

    .OUTPUTS
    Hashtable: identity, internal_url, external_url (null where there is none).
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [Parameter(Mandatory)][string]$Product,
        [AllowNull()][string]$DomainController
    )

    $name = Get-ExchangeShortName -Target $Target
    $parameters = @{ Server = $name }
    if ($Product -ne '2007') {
        # Without it IIS on the server is asked as well, which is slow and fails while it is being updated.
        $parameters.ADPropertiesOnly = $true
    }
    if (-not [string]::IsNullOrEmpty($DomainController)) {
        $parameters.DomainController = $DomainController
    }

    $all = @(Invoke-ExchangeCommand -Target $Target -Product $Product -Command 'Get-OwaVirtualDirectory' -Parameters $parameters)
    # 2007 lists Exchange, Public and others beside owa. The server is compared again because of what an identity that
    # Exchange does not know may return.
    $found = @($all | Where-Object {
            $_ -and "$($_.Server)".Split('.')[0] -eq $name -and "$($_.Name)" -like 'owa (*' -and "$($_.Identity)"
        })
    if ($found.Count -ne 1) {
        $names = @($found | ForEach-Object { "$($_.Identity)" }) -join ', '
        throw "expected exactly one OWA virtual directory on $name, found $($found.Count) ($names)"
    }

    return @{
        identity = "$($found[0].Identity)"
        internal_url = if ("$($found[0].InternalUrl)") { "$($found[0].InternalUrl)" } else { $null }
        external_url = if ("$($found[0].ExternalUrl)") { "$($found[0].ExternalUrl)" } else { $null }
    }
}

Function Get-ExchangeVirtualDirectory {
    <#
    .SYNOPSIS
    Every virtual directory of the target that clients use, with its addresses and ways to log on.

    .DESCRIPTION
    IIS on the server is asked, too: with ADPropertiesOnly the ways to log on are not those in force.

    .OUTPUTS
    Hashtables: protocol, identity, internal_url, external_url, internal_authentication, external_authentication,
    cross_site_redirect_type (null where the version has none); in the order of protocols below.
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [Parameter(Mandatory)][string]$Product,
        [AllowNull()][string]$DomainController
    )

    $name = Get-ExchangeShortName -Target $Target
    $parameters = @{ Server = $name }
    if (-not [string]::IsNullOrEmpty($DomainController)) {
        $parameters.DomainController = $DomainController
    }
    $commands = @(
        @('owa', 'Get-OwaVirtualDirectory'), @('eas', 'Get-ActiveSyncVirtualDirectory'),
        @('ews', 'Get-WebServicesVirtualDirectory'), @('oab', 'Get-OabVirtualDirectory')
    )
    if ($Product -ne '2007') {
        $commands += , @('ecp', 'Get-EcpVirtualDirectory')
    }

    foreach ($command in $commands) {
        $found = @(Invoke-ExchangeCommand -Target $Target -Product $Product -Command $command[1] -Parameters $parameters)
        foreach ($directory in $found) {
            # The server is compared again because of what an identity that Exchange does not know may return.
            if (-not $directory -or "$($directory.Server)".Split('.')[0] -ne $name) { continue }
            @{
                protocol = $command[0]
                identity = "$($directory.Identity)"
                internal_url = if ("$($directory.InternalUrl)") { "$($directory.InternalUrl)" } else { $null }
                external_url = if ("$($directory.ExternalUrl)") { "$($directory.ExternalUrl)" } else { $null }
                internal_authentication = @($directory.InternalAuthenticationMethods | Where-Object { $_ } | ForEach-Object { "$_" } | Sort-Object)
                external_authentication = @($directory.ExternalAuthenticationMethods | Where-Object { $_ } | ForEach-Object { "$_" } | Sort-Object)
                cross_site_redirect_type = if ("$($directory.CrossSiteRedirectType)") { "$($directory.CrossSiteRedirectType)" } else { $null }
            }
        }
    }
}

Function Get-ExchangeService {
    <#
    .SYNOPSIS
    Services of Exchange and those its roles stand on.

    .OUTPUTS
    Hashtables: name, start_mode, state, required; sorted by name.
    #>
    param(
        [Parameter(Mandatory)][string]$Target,
        [Parameter(Mandatory)][string]$Product,
        [AllowEmptyCollection()][string[]]$Role = @()
    )

    $required = @($Role | ForEach-Object { $script:RequiredService[$Product][$_] } | Where-Object { $_ } | Sort-Object -Unique)
    $read = {
        param($Required)
        $ErrorActionPreference = 'Stop'
        foreach ($service in @(Get-WmiObject -Class Win32_Service)) {
            if (($service.Name -like 'MSExchange*') -or ($Required -contains $service.Name)) {
                @{ name = $service.Name; start_mode = $service.StartMode; state = $service.State }
            }
        }
    }
    $services = foreach ($service in @(Invoke-OnExchangeTarget -Target $Target -ScriptBlock $read -ArgumentList @(, $required))) {
        if (-not $service) { continue }
        @{
            name = [string]$service.name
            start_mode = [string]$service.start_mode
            state = [string]$service.state
            required = [bool]($required -contains [string]$service.name)
        }
    }
    return @($services | Sort-Object -Property @{ Expression = { $_.name } })
}

$export = @{
    Function = @(
        'ConvertTo-ExchangeBuild', 'ConvertTo-UtcText', 'Get-ExchangeInstallation', 'Get-ExchangeOwaDirectory',
        'Get-ExchangeService', 'Get-ExchangeShortName', 'Get-ExchangeVirtualDirectory', 'Invoke-ExchangeCommand',
        'Invoke-OnExchangeTarget', 'Test-ExchangeTargetIsLocal'
    )
}
Export-ModuleMember @export
