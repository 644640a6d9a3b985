using System.CommandLine;
using Dr.Benchmarks;

// Long enough for a server to be stopped in order and a gigabyte to be deleted.
return await BenchCommand.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) });
