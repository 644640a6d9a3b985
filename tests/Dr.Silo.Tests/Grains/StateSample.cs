using System.Collections;
using System.Globalization;
using System.Reflection;

namespace Dr.Silo.Tests.Grains;

/// <summary>
/// Makes a record with something in every stored member, of every kind that may be there, and tells what is in one. By reflection over <c>[Id]</c>, so that a member
/// that is added tomorrow is in the next sample by itself.
/// </summary>
internal static class StateSample
{
    private static readonly DateTimeOffset Start = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The same type gives the same sample.</summary>
    public static T Of<T>()
    {
        var next = 0;
        return (T)Make(typeof(T), ref next)!;
    }

    /// <summary>One line for each stored value, <c>Machine.Run.Id = s17</c>, in the order of the members.</summary>
    public static IReadOnlyList<string> Lines(object? value)
    {
        List<string> lines = [];
        Tell("", value, lines);
        return lines;
    }

    /// <summary>The types that can stand where this one is declared.</summary>
    public static IReadOnlyList<Type> Kinds(Type type) => type.IsAbstract
        ? [.. type.Assembly.GetTypes().Where(t => t is { IsAbstract: false } && t.IsSubclassOf(type)).OrderBy(t => t.FullName, StringComparer.Ordinal)]
        : [type];

    private static object? Make(Type type, ref int next)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var number = ++next;
        if (type == typeof(string))
        {
            return string.Create(CultureInfo.InvariantCulture, $"s{number}");
        }

        if (type == typeof(bool))
        {
            return true;
        }

        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(number % Enum.GetValues(type).Length);
        }

        if (type.IsPrimitive)
        {
            return Convert.ChangeType(number % 100, type, CultureInfo.InvariantCulture);
        }

        if (type == typeof(Guid))
        {
            return new Guid(number, 0, 0, new byte[8]);
        }

        if (type == typeof(DateTimeOffset))
        {
            return Start.AddSeconds(number);
        }

        if (type == typeof(TimeSpan))
        {
            return TimeSpan.FromSeconds(number);
        }

        if (type == typeof(TimeOnly))
        {
            return TimeOnly.MinValue.AddMinutes(number);
        }

        if (type == typeof(DateOnly))
        {
            return DateOnly.FromDateTime(Start.DateTime).AddDays(number);
        }

        if (type.IsGenericType && type.GetGenericArguments() is [var key, var value] && typeof(IEnumerable).IsAssignableFrom(type))
        {
            var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(key, value))!;
            dictionary.Add(Make(key, ref next)!, Make(Kinds(value)[0], ref next));
            return dictionary;
        }

        if (type.IsGenericType && type.GetGenericArguments() is [var item] && typeof(IEnumerable).IsAssignableFrom(type))
        {
            return MakeList(type, item, ref next);
        }

        return MakeRecord(Kinds(type)[0], [], ref next);
    }

    /// <summary>One of each kind: of the item itself, or of what an item holds.</summary>
    private static object MakeList(Type type, Type item, ref int next)
    {
        List<object?> items = [];
        var inner = Stored(item).FirstOrDefault(m => m.PropertyType.IsAbstract && !typeof(IEnumerable).IsAssignableFrom(m.PropertyType));
        foreach (var kind in Kinds(item))
        {
            foreach (var held in inner is null ? [null] : Kinds(inner.PropertyType).Cast<Type?>())
            {
                items.Add(held is null ? Make(kind, ref next) : MakeRecord(kind, new() { [inner!.Name] = held }, ref next));
            }
        }

        if (typeof(IReadOnlySet<>).MakeGenericType(item).IsAssignableFrom(type) || typeof(ISet<>).MakeGenericType(item).IsAssignableFrom(type))
        {
            var set = Activator.CreateInstance(typeof(HashSet<>).MakeGenericType(item))!;
            items.ForEach(i => set.GetType().GetMethod("Add")!.Invoke(set, [i]));
            return set;
        }

        var array = Array.CreateInstance(item, items.Count);
        items.ToArray().CopyTo(array, 0);
        return type.IsAssignableFrom(array.GetType()) ? array : Activator.CreateInstance(type, array)!;
    }

    private static object MakeRecord(Type type, Dictionary<string, Type> kinds, ref int next)
    {
        var constructor = type.GetConstructors().Where(c => c.GetParameters() is not [{ } only] || only.ParameterType != type).MaxBy(c => c.GetParameters().Length);
        List<object?> arguments = [];
        foreach (var parameter in constructor?.GetParameters() ?? [])
        {
            arguments.Add(Make(parameter.ParameterType, ref next));
        }

        var made = constructor is null ? Activator.CreateInstance(type)! : constructor.Invoke([.. arguments]);
        foreach (var member in Stored(type).Where(m => m.CanWrite && constructor?.GetParameters().Any(p => p.Name == m.Name) != true))
        {
            member.SetValue(made, kinds.TryGetValue(member.Name, out var kind) ? MakeRecord(kind, [], ref next) : Make(member.PropertyType, ref next));
        }

        return made;
    }

    private static IEnumerable<PropertyInfo> Stored(Type type) =>
        type.GetProperties().Where(p => p.GetCustomAttribute<IdAttribute>() is not null && p.GetIndexParameters().Length == 0).OrderBy(p => p.Name, StringComparer.Ordinal);

    private static void Tell(string path, object? value, List<string> lines)
    {
        var isPair = value?.GetType() is { IsGenericType: true, Name: "KeyValuePair`2" };
        if (value is null or string || (value is not IEnumerable && !isPair && !Stored(value.GetType()).Any()))
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{path} = {(value is DateTimeOffset at ? at.ToString("O", CultureInfo.InvariantCulture) : value ?? "null")}"));
        }
        else if (value is IEnumerable items)
        {
            var index = 0;
            foreach (var item in items)
            {
                Tell(string.Create(CultureInfo.InvariantCulture, $"{path}[{index++}]"), item, lines);
            }
        }
        else if (isPair)
        {
            Tell($"{path}.Key", value.GetType().GetProperty("Key")!.GetValue(value), lines);
            Tell($"{path}.Value", value.GetType().GetProperty("Value")!.GetValue(value), lines);
        }
        else
        {
            lines.Add($"{path} is {value.GetType().Name}");
            foreach (var member in Stored(value.GetType()))
            {
                Tell($"{path}.{member.Name}", member.GetValue(value), lines);
            }
        }
    }
}
