global using System.Globalization;
global using Dr.Contracts.Cli;
global using Dr.Contracts.Errors;
global using Dr.Contracts.Ids;
global using Dr.Contracts.Mqtt;
global using RetentionLimits = Dr.Contracts.Policy.RetentionLimits;
global using RetentionText = Dr.Contracts.Policy.RetentionText;
global using RetentionTier = Dr.Contracts.Policy.RetentionTier;
