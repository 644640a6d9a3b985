using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Replication.Changes;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <content>The map of what a copy lacks that is away: made, brought up to date, made anew for another point, while the history that it stands for leaves.</content>
internal sealed partial class Workload
{
    public const string AwayPeer = "away:1";

    // Of its own: the rest of a life is the same with and without it.
    private readonly Random _away;
    private ChangeMapKeeper? _map;
    private IDisposable? _mapHold;

    private void KeepMap(VolumeHistory history)
    {
        if (_away.Next(5) != 0)
        {
            return;
        }

        var volume = _set.Get(history.Name);
        _map ??= new ChangeMapKeeper(volume, AwayPeer);
        var last = history.Maps.Count > 0 ? history.Maps[^1] : null;
        if (last is null || _away.Next(8) == 0)
        {
            if (PointsOf(history) is not { Count: > 0 } points)
            {
                return;
            }

            var common = points[^1].Info;
            var content = ContentAt(history, common.Id);
            Settle(); // A view that is closed may let something leave: one thing after the other, so that a life is the same each time.
            last = new MapHistory(new Span(Now), common.Sequence, content);
        }
        else
        {
            last = last with { Span = new Span(Now) };
        }

        // Let go of when nothing else is done any more: then the maintenance begins.
        using var needed = volume.HoldPosition(_map.UpTo is { } end && _map.After == last.After ? end : last.After, "the map goes on from here");
        using var before = _mapHold;
        Note($"change map of {history.Name} after {last.After}");
        history.Maps.Add(last);
        Recorder.Phase = "map";
        if (_map.After == last.After)
        {
            _map.Advance();
            Count("change map advanced");
        }
        else
        {
            _map.Begin(last.After);
            Count("change map begun");
        }

        Recorder.Phase = "";
        last.Span.Answered = Now;
        _mapHold = volume.HoldPosition(_map.UpTo!.Value, "the map goes on from here");
    }

    private void CountOutlived(VolumeHistory history)
    {
        if (_map?.After is { } after && _set.Get(history.Name).State.BaseSequence > after.Value)
        {
            Count("change map without its history");
        }
    }
}

/// <summary>A change map that was asked for.</summary>
/// <param name="After">From which point on.</param>
/// <param name="Content">What the volume held there.</param>
internal sealed record MapHistory(Span Span, SequenceNumber After, byte[] Content);
