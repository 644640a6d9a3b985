using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Network;

/// <summary>
/// The priority of this machine in a VRRP group (RFC 9568) that keepalived runs: a file that keepalived tracks (<c>track_file</c>), whose number it adds to the priority. keepalived moves the address and announces it. When
/// address and device are given, they are what is read back: the file alone only says what was wanted.
/// </summary>
internal sealed class VrrpAction(NetworkActionOptions options, TimeProvider time) : INetworkAction
{
    private readonly string _file = options.File!;
    private readonly AddressAction? _address = options.Address is null ? null : new AddressAction(options);

    public string Name => $"VRRP priority in {_file}{(_address is null ? "" : $" for {options.Address}")}";

    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var isWanted = await ValueAsync(cancellationToken) == options.Value;
        return _address is null ? isWanted : await _address.ReadAsync(cancellationToken);
    }

    public Task ApplyAsync(Epoch epoch, CancellationToken cancellationToken) => SetAsync(options.Value, true, cancellationToken);

    public Task RemoveAsync(Epoch epoch, CancellationToken cancellationToken) => SetAsync(0, false, cancellationToken);

    private async Task SetAsync(int value, bool isHere, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_file))!);
        await File.WriteAllTextAsync(_file + ".new", value.ToString(CultureInfo.InvariantCulture) + "\n", cancellationToken);
        File.Move(_file + ".new", _file, overwrite: true);
        if (_address is null)
        {
            return;
        }

        // keepalived tells its neighbours first, and waits for three of their advertisements where it is to take over.
        var start = time.GetTimestamp();
        while (await _address.ReadAsync(cancellationToken) != isHere)
        {
            if (time.GetElapsedTime(start) > options.Timeout)
            {
                throw new DrException(
                    $"{options.Address} is {(isHere ? "not here" : "still here")} {options.Timeout.TotalSeconds:0} s after the priority was set to {value} in {_file}.",
                    "Does keepalived run, does it track this file, and is the weight large enough against the other site's priority? 'journalctl -u keepalived'.", isTransient: true);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }
    }

    private async Task<int?> ValueAsync(CancellationToken cancellationToken) =>
        File.Exists(_file) && int.TryParse(await File.ReadAllTextAsync(_file, cancellationToken), NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value) ? value : null;
}
