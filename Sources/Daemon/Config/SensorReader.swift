import Document
import Model

/// Reads the settings of a sensor.
struct SensorReader {
  let fields: FieldReader

  /// The settings, with defaults for missing and invalid values.
  func read() -> SensorSettings {
    let defaults = SensorSettings()
    let every = fields.value("every", .duration(atLeast: .milliseconds(1)), defaults.every)
    let settings = SensorSettings(
      every: every,
      deadband: fields.value(
        "deadband", .number("a number of at least 0", .number(["minimum": 0])) { $0 >= 0 }, defaults.deadband),
      heartbeat: fields.optional("heartbeat", .duration(atLeast: .milliseconds(1))),
      unit: fields.optional("unit", .name),
      scale: fields.value(
        "scale", .number("a number other than 0", .number(["not": ["const": 0]])) { $0 != 0 }, defaults.scale),
      offset: fields.value("offset", .number(), defaults.offset),
      onDemand: fields.value("on_demand", .bool, defaults.onDemand),
      points: fields.value("points", .curve, defaults.points),
      convert: fields.optional("convert", .targetUnit),
      filter: filter(),
      stale: fields.optional("stale", .duration(atLeast: .milliseconds(1))),
      stuck: fields.optional("stuck", .duration(atLeast: .milliseconds(1))))
    checkUnits(settings)
    doubt(settings)
    return settings
  }

  private func filter() -> FilterSettings? {
    guard let filter = fields.map("filter") else { return nil }
    let settings = FilterSettings(
      range: filter.optional("range", .interval),
      spike: filter.optional("spike", .positive),
      median: filter.optional("median", .oddCount(3...15)),
      mean: filter.optional("mean", .duration(atLeast: .milliseconds(1))))
    filter.close()
    return settings
  }

  /// Reports a `unit` from which `convert` cannot convert. Without `unit`, the driver's is only known when it is open.
  private func checkUnits(_ settings: SensorSettings) {
    guard let unit = settings.unit, let target = settings.convert else { return }
    guard UnitConversion(from: unit, to: target) == nil else { return }
    let partners = UnitConversion.partners(of: unit)
    fields.findings.error(
      fields.place(of: "convert"),
      "'convert' is '\(target)', but 'unit' is \(Wording.quoted(unit)), "
        + (partners.isEmpty
          ? "which cannot be converted; 'unit' must be that of the driver's values"
          : "which can be converted to \(Wording.alternatives(partners))"))
  }

  /// Warns of settings that leave the sensor without values, or have no effect.
  private func doubt(_ settings: SensorSettings) {
    let every = settings.every
    if let stale = settings.stale, stale < every {
      warn("stale", "'stale' is \(stale.text), but a reading comes only every \(every.text): it is stale in between")
    }
    if let stuck = settings.stuck, stuck <= every, !settings.onDemand {
      warn("stuck", "'stuck' is \(stuck.text), but a reading comes only every \(every.text): two equal ones would do")
    }
    if let mean = settings.filter?.mean, mean < every, !settings.onDemand {
      fields.findings.warning(
        fields.node("filter").flatMap { $0["mean"]?.location } ?? fields.location,
        "'mean' is \(mean.text), but a reading comes only every \(every.text): there is nothing to average")
    }
    if let filter = settings.filter, settings.onDemand, filter.spike != nil || filter.median != nil {
      let key = filter.spike != nil ? "spike" : "median"
      warn("filter", "'\(key)' needs several readings in a row: a sensor that is measured on demand may have only one")
    }
    if let filter = settings.filter, let spike = filter.spike, let range = filter.range,
      spike >= range.upperBound - range.lowerBound
    {
      warn(
        "filter", "'spike' is \(spike.text), but no jump within 'range' is greater: only the first reading must repeat")
    }
    if case .map(let entries)? = fields.node("filter")?.content, entries.isEmpty {
      warn("filter", "'filter' is empty: it changes nothing")
    }
  }

  private func warn(_ key: String, _ message: String) { fields.findings.warning(fields.place(of: key), message) }
}
