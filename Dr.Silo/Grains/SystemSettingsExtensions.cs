namespace Dr.Silo.Grains;

internal static class SystemSettingsExtensions
{
    public static bool HasVolume(this SystemSettings settings) => settings.Volume is not null;
}
