using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>Lets the table be read as a table: <c>In(…).On&lt;…&gt;("name").When(…).Do(…).GoTo(…)</c>.</summary>
internal sealed class TableBuilder
{
    private readonly List<TableRow> _rows = [];

    public IReadOnlyList<TableRow> Rows => _rows;

    public Start In(params ReadOnlySpan<Phase> phases) => new(this, phases.ToArray());

    internal readonly record struct Start(TableBuilder Table, Phase[] Phases)
    {
        public Draft On<TEvent>(string name)
            where TEvent : SystemEvent => new(Table, Phases, typeof(TEvent), name);
    }

    internal sealed class Draft(TableBuilder table, Phase[] phases, Type on, string name)
    {
        private readonly List<Guard> _guards = [];
        private readonly List<Update> _updates = [];
        private readonly List<EffectRule> _effects = [];
        private bool _keepDeadline;

        public Draft When(params ReadOnlySpan<Guard> guards)
        {
            _guards.AddRange(guards);
            return this;
        }

        public Draft Set(Update update)
        {
            _updates.Add(update);
            return this;
        }

        public Draft Do(params ReadOnlySpan<EffectRule> effects)
        {
            _effects.AddRange(effects);
            return this;
        }

        /// <summary>Begins a step: it becomes the pending one and its effect is sent.</summary>
        public Draft Step(StepKind step)
        {
            _updates.Add((state, _, _) => Runs.Begin(state, step));
            _effects.Add(EffectRules.Step(step));
            return this;
        }

        /// <summary>The phase's budget goes on running.</summary>
        public Draft KeepDeadline()
        {
            _keepDeadline = true;
            return this;
        }

        public void GoTo(Phase to) => Add(_ => to, _ => [to], to);

        /// <summary>Stays where it is.</summary>
        public void Stay()
        {
            foreach (var phase in phases)
            {
                Add(phase, _ => phase, [phase], phase);
            }
        }

        /// <summary>The state decides among <paramref name="targets"/>.</summary>
        public void GoToOneOf(Func<SystemState, Phase> resolve, params Phase[] targets) => Add(resolve, _ => targets, null);

        private void Add(Func<SystemState, Phase> resolve, Func<Phase, IReadOnlyList<Phase>> targets, Phase? to)
        {
            foreach (var phase in phases)
            {
                Add(phase, resolve, targets(phase), to);
            }
        }

        private void Add(Phase from, Func<SystemState, Phase> resolve, IReadOnlyList<Phase> targets, Phase? to) => table._rows.Add(new TableRow
        {
            Name = name,
            From = from,
            On = on,
            Guards = [.. _guards],
            To = to,
            Targets = targets,
            Resolve = resolve,
            KeepDeadline = _keepDeadline,
            Update = (state, evt, now) => _updates.Aggregate(state, (s, update) => update(s, evt, now)),
            Effects = [.. _effects],
        });
    }
}
