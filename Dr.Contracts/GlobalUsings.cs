global using System.Globalization;
global using System.Text.Json.Serialization;
global using Dr.Contracts.Ids;
global using Dr.Contracts.Mqtt;
