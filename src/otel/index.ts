/** The door `taskbaton/otel`: traces and metrics for OpenTelemetry. It needs the package `@opentelemetry/api`. */
export { openTelemetry, type OpenTelemetryOptions } from './telemetry.ts';
