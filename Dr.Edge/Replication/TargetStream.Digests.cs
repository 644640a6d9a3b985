using Dr.Contracts.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <content>Digests of a point that is here, for a source that no longer has it.</content>
internal sealed partial class TargetStream
{
    private (PointMark Base, VolumeView View, RangeHasher Hasher, ChangeBitmap Touched)? _compared;

    private Task OnDigestQueryAsync(Volume volume, DigestQuery query, CancellationToken cancellationToken)
    {
        if (_compared is not { } compared || compared.Base != query.Base)
        {
            EndComparing();
            if (!volume.Marks().Contains(query.Base))
            {
                throw new StreamRefusedException(RefusalCode.Protocol, $"There is no point {query.Base.Id} here to compare with.", "The source finds another way by itself.");
            }

            // What was written after the point is sent whatever it is: the delta leaves alone what it does not name.
            var touched = volume.ReadChanges(query.Base.Sequence.Value, volume.Appended.Value);
            var view = volume.OpenView(query.Base.Id);
            _compared = compared = (query.Base, view, new RangeHasher(view), touched);
        }

        var values = compared.Hasher.Compute(query.First, query.Count, query.BlocksPerDigest, compared.Touched);
        return _connection.SendAsync(Stamp(), new Digests(query.Base.Id, query.First, query.BlocksPerDigest, values), cancellationToken);
    }

    private void EndComparing()
    {
        _compared?.View.Dispose();
        _compared = null;
    }
}
