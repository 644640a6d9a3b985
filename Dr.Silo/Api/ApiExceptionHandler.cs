using System.Data.Common;
using Microsoft.AspNetCore.Diagnostics;

namespace Dr.Silo.Api;

/// <summary>What a caller sees when something could not be done: never a stack trace, always what to do.</summary>
internal sealed class ApiExceptionHandler(IProblemDetailsService problems) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = exception switch
        {
            BadHttpRequestException bad => ApiProblem.Problem(bad.StatusCode, "The request cannot be understood.", bad.InnerException?.Message ?? bad.Message, ["/openapi/v1.json describes every request."]),
            DrException dr => ApiProblem.Problem(StatusCodes.Status503ServiceUnavailable, dr.Message, dr.Hint ?? dr.Message, ["Try again; the request changed nothing."]),
            TimeoutException or OrleansException => ApiProblem.Problem(
                StatusCodes.Status503ServiceUnavailable, "The control plane did not answer in time.", exception.Message, ["Try again with the same Idempotency-Key.", "/healthz says what is wrong."]),
            DbException => ApiProblem.Problem(StatusCodes.Status503ServiceUnavailable, "The store cannot be reached.", exception.Message, ["Bring the database back; nothing is decided without it."]),
            _ => null,
        };
        if (problem is null)
        {
            return false;
        }

        httpContext.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
    }
}
