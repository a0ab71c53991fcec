// Host metrics by the OpenTelemetry SDK: send.js URL json|protobuf HOST
const [url, encoding, host] = process.argv.slice(2);
const {MeterProvider, PeriodicExportingMetricReader} = require("@opentelemetry/sdk-metrics");
const {resourceFromAttributes} = require("@opentelemetry/resources");
const {HostMetrics} = require("@opentelemetry/host-metrics");
const {OTLPMetricExporter} = require(encoding === "json" ? "@opentelemetry/exporter-metrics-otlp-http" : "@opentelemetry/exporter-metrics-otlp-proto");
const {diag, DiagConsoleLogger, DiagLogLevel} = require("@opentelemetry/api");
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const provider = new MeterProvider({
  resource: resourceFromAttributes({"host.name": host, "service.name": "scene"}),
  readers: [new PeriodicExportingMetricReader({exporter: new OTLPMetricExporter({url}), exportIntervalMillis: 1000, exportTimeoutMillis: 900})],
});
new HostMetrics({meterProvider: provider}).start();
const meter = provider.getMeter("scene");
const jobs = meter.createCounter("jobs", {unit: "{job}"});
const seconds = meter.createHistogram("job.duration", {unit: "s"});
setInterval(() => { jobs.add(3, {queue: "a"}); seconds.record(0.25, {queue: "a"}); }, 100);
console.log("sending");
