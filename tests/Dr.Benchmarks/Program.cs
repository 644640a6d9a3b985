using Dr.Benchmarks;

return await BenchCommand.Create().Parse(args).InvokeAsync();
