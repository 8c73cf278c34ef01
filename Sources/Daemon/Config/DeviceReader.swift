import Chips
import Document
import Model

/// Reads one entry under `devices:`.
struct DeviceReader {
  let scope: BoardScope
  let declared: DeclaredDevices
  let findings: Findings

  /// The device; nil if it has an error, which has been reported.
  func read(_ entry: Node.Entry) -> Device? {
    let id = DeviceID(entry.key)
    if !id.isWellFormed {
      findings.error(
        entry.keyLocation, "the device id is \(Wording.quoted(entry.key)), expected \(Shape<DeviceID>.id.expected)")
    }
    let what = "device \(Wording.quoted(entry.key))"
    guard let fields = FieldReader(entry.value, what: what, findings: findings) else { return nil }
    return read(fields, id, entry.keyLocation)
  }

  private func read(_ fields: FieldReader, _ id: DeviceID, _ location: Location) -> Device? {
    guard let kindName = fields.required("kind", .choice(DeviceSettings.kinds.map { ($0, $0) })) else { return nil }
    fields.what = "\(kindName) \(Wording.quoted(id.rawValue))"
    let name = fields.optional("name", .displayName)
    let settings = DeviceSettings(declared: declared, id: id).read(kindName, fields)
    guard let driver = driver(fields, kindName) else { return nil }
    let options = DriverOptions(scope: scope, declared: declared).read(driver, fields)
    fields.close { key in explain(key, kindName, driver) }
    let device = Device(
      id: id, name: name, kind: settings, driver: driver.name, options: options, location: location)
    checkLevels(device, fields)
    checkUnit(device, fields)
    return device
  }

  /// The form of a device on a board of a backend: the settings of its kind, and the options of its driver.
  static func schema(_ backend: Board.Backend) -> Schema {
    let scope = BoardScope(backend: backend, chips: [:], buses: [:])
    let reader = DeviceReader(scope: scope, declared: DeclaredDevices([]), findings: Findings())
    return .variants(by: "kind", DeviceSettings.kinds) { kind in
      let usual = backend == .simulated ? "simulated" : nil
      return .variants(by: "driver", drivers(of: kind, on: backend), usual: usual) { driver in
        let record = SchemaRecord()
        let fields = FieldReader(recording: record, probe: ["kind": kind, "driver": driver])
        _ = reader.read(fields, "", fields.location)
        return record.schema
      }
    }
  }

  private static func drivers(of kind: String, on backend: Board.Backend) -> [String] {
    DriverCatalogue.all.filter { $0.kind == kind && $0.backends.contains(backend) }.map(\.name)
  }

  /// The catalogue's entry for `driver:`; on a simulated board the default is `simulated`.
  private func driver(_ fields: FieldReader, _ kind: String) -> DriverCatalogue.Entry? {
    if fields.node("driver") == nil, scope.backend == .simulated {
      return DriverCatalogue.entry("simulated", kind: kind)
    }
    let here = Self.drivers(of: kind, on: scope.backend)
    let what = "\(Wording.article(kind)) driver of the \(scope.backend.rawValue) backend"
    let expected = "\(what): \(Wording.alternatives(here))"
    guard let name = fields.required("driver", Shape.text(expected)) else { return nil }
    if let entry = DriverCatalogue.entry(name, kind: kind), entry.backends.contains(scope.backend) { return entry }
    let place = fields.place(of: "driver")
    if let entry = DriverCatalogue.entry(name, kind: kind) {
      let backends = Wording.alternatives(entry.backends.map(\.rawValue))
      findings.error(
        place, "driver '\(name)' needs backend \(backends), but this board's is \(scope.backend.rawValue)")
    } else if let other = DriverCatalogue.all.first(where: { $0.name == name }) {
      findings.error(
        place, "driver '\(name)' makes \(Wording.article(other.kind)), expected \(expected)")
    } else {
      let suggestion = Suggestion.phrase(for: name, in: here)
      findings.error(
        place,
        "'driver' is \(Wording.quoted(name)), expected \(suggestion.isEmpty ? expected : what + suggestion)")
    }
    return nil
  }

  /// The message for a key of another kind of device or another driver; nil for other keys.
  private func explain(_ key: String, _ kind: String, _ driver: DriverCatalogue.Entry) -> String? {
    if let other = DeviceSettings.kinds.first(where: { DeviceSettings.keys(of: $0).contains(key) }) {
      return "'\(key)' is a setting of \(other)s, but this is \(Wording.article(kind))"
    }
    if DriverCatalogue.all.contains(where: { $0.options.contains { $0.name == key } }) {
      let options = driver.options.map(\.name)
      return "driver '\(driver.name)' takes no '\(key)', expected "
        + (options.isEmpty ? "no options" : Wording.alternatives(options))
    }
    return nil
  }

  private func checkLevels(_ device: Device, _ fields: FieldReader) {
    guard case .actuator(let settings) = device.kind, device.isDigital else { return }
    for key in ["min", "max"] where fields.node(key) != nil {
      findings.error(fields.place(of: key), "'\(key)' limits levels, but this output is only on or off")
    }
    guard settings.safe != 0, settings.safe != 1 else { return }
    findings.error(fields.place(of: "safe"), "'safe' is \(settings.safe), expected on or off: it has no levels")
  }

  /// Reports a `convert` that the unit of a chip's quantity does not allow. Other drivers tell theirs when they are open.
  private func checkUnit(_ device: Device, _ fields: FieldReader) {
    guard case .sensor(let settings) = device.kind, settings.unit == nil, let target = settings.convert,
      let unit = (try? ChipSensor.choice(device, settings))?.unit, UnitConversion(from: unit, to: target) == nil
    else { return }
    let partners = UnitConversion.partners(of: unit)
    findings.error(
      fields.place(of: "convert"),
      "'convert' is '\(target)', but driver '\(device.driver)' measures in '\(unit)', which "
        + (partners.isEmpty ? "cannot be converted" : "can be converted to \(Wording.alternatives(partners))"))
  }
}
