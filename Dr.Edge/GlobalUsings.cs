global using System.Globalization;
global using Dr.Contracts.Cli;
global using Dr.Contracts.Errors;
global using Dr.Contracts.Ids;
global using Dr.Contracts.Mqtt;
