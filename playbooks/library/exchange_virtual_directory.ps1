#!powershell

# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -PowerShell Ansible.ModuleUtils.ExchangeTarget

$spec = @{
    options = @{
        target = @{ type = 'str'; required = $true }
        protocol = @{ type = 'str'; choices = @('owa'); default = 'owa' }
        external_url = @{ type = 'str' }
        internal_url = @{ type = 'str' }
        expected_external_url = @{ type = 'str' }
        domain_controller = @{ type = 'str' }
    }
    supports_check_mode = $true
}

$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$target = $module.Params.target
$domainController = $module.Params.domain_controller

$module.Result.changed = $false

Function Get-ComparableUrl {
    # Scheme and host without regard to case and no closing slash; none and null are the same.
    param([AllowNull()][string]$Url)

    if ([string]::IsNullOrEmpty($Url)) {
        return ''
    }
    $parsed = $null
    if (-not [Uri]::TryCreate($Url, [UriKind]::Absolute, [ref]$parsed)) {
        return $Url
    }
    return $parsed.AbsoluteUri.TrimEnd('/')
}

Function Get-UrlText {
    param([AllowNull()][string]$Url)

    if ([string]::IsNullOrEmpty($Url)) { return 'none' }
    return $Url
}

foreach ($option in @('external_url', 'internal_url', 'expected_external_url')) {
    $value = $module.Params.$option
    $parsed = $null
    if (-not [string]::IsNullOrEmpty($value) -and
        (-not [Uri]::TryCreate($value, [UriKind]::Absolute, [ref]$parsed) -or $parsed.Scheme -notin @('http', 'https'))) {
        $module.FailJson("${option}: '$value' is not an absolute http or https address")
    }
}

try {
    $installation = Get-ExchangeInstallation -Target $target
    $before = Get-ExchangeOwaDirectory -Target $target -Product $installation.product -DomainController $domainController
}
catch {
    $module.FailJson("cannot read the virtual directory of ${target}: $($_.Exception.Message)", $_)
}
$module.Result.before = $before

# Omitted and null leave alone, so a goal exists only where something was given.
$expected = $module.Params.expected_external_url
$goal = $module.Params.external_url
if ($null -ne $expected) {
    $live = Get-ComparableUrl -Url $before.external_url
    $accepted = @(Get-ComparableUrl -Url $expected)
    if ($null -ne $goal) { $accepted += Get-ComparableUrl -Url $goal }
    if ($live -notin $accepted) {
        $module.Result.drift = $true
        $goalText = if ($null -ne $goal) { Get-UrlText -Url $goal } else { 'not asked for' }
        $module.FailJson(
            "drift: the external address of $($before.identity) is $(Get-UrlText -Url $before.external_url), " +
            "recorded was $(Get-UrlText -Url $expected) and the goal is ${goalText}; somebody else changed it, nothing was touched"
        )
    }
}

$after = @{
    identity = $before.identity
    internal_url = $before.internal_url
    external_url = $before.external_url
}
$change = @{}
foreach ($pair in @(@('external_url', 'ExternalUrl'), @('internal_url', 'InternalUrl'))) {
    $option = $pair[0]
    $wanted = $module.Params.$option
    if ($null -eq $wanted) { continue }
    if ((Get-ComparableUrl -Url $before.$option) -eq (Get-ComparableUrl -Url $wanted)) { continue }
    $value = if ($wanted -eq '') { $null } else { $wanted }
    $after.$option = $value
    $change[$pair[1]] = $value
}

$module.Result.changed = $change.Count -gt 0
$module.Diff.before = $before
$module.Diff.after = $after

if ($change.Count -gt 0 -and -not $module.CheckMode) {
    # The identity was read from exactly this server just now; an empty one would mean every directory there is.
    if ([string]::IsNullOrEmpty($before.identity)) {
        $module.FailJson("refusing to set addresses on ${target}: its virtual directory has no identity")
    }
    $parameters = @{ Identity = $before.identity; Confirm = $false } + $change
    if (-not [string]::IsNullOrEmpty($domainController)) { $parameters.DomainController = $domainController }
    try {
        $null = Invoke-ExchangeCommand -Target $target -Product $installation.product -Command 'Set-OwaVirtualDirectory' -Parameters $parameters
        $after = Get-ExchangeOwaDirectory -Target $target -Product $installation.product -DomainController $domainController
    }
    catch {
        $module.FailJson("cannot set the addresses of $($before.identity): $($_.Exception.Message)", $_)
    }
    $module.Diff.after = $after
    foreach ($option in @('external_url', 'internal_url')) {
        $wanted = $module.Params.$option
        if ($null -ne $wanted -and (Get-ComparableUrl -Url $after.$option) -ne (Get-ComparableUrl -Url $wanted)) {
            # Without a named domain controller the read may have gone to another one than the write.
            $module.Warn("$option of $($before.identity) still reads $(Get-UrlText -Url $after.$option); Active Directory may not have replicated yet")
        }
    }
}

$module.Result.after = $after
$module.ExitJson()
