import Document
import Model

/// Reads `verify` of an actuator.
enum EffectReader {
  /// The settings; nil without `verify`, and for a map with an error.
  static func read(_ fields: FieldReader) -> EffectSettings? {
    guard let verify = fields.map("verify") else { return nil }
    let sensor = verify.required("sensor", Shape<DeviceID>.id)
    let within = verify.required("within", .duration(EffectSettings.times))
    let expect = verify.required("expect", DeviceSettings.condition("value > 0.2"))
    let expectSafe = verify.optional("expect_safe", DeviceSettings.condition("value < 0.1"))
    let otherwise = verify.value("else", .choice(of: EffectSettings.Otherwise.self), .report)
    verify.close()
    guard let sensor, let within, let expect else { return nil }
    return EffectSettings(
      sensor: sensor, within: within, expect: expect, expectSafe: expectSafe, otherwise: otherwise,
      location: verify.place(of: "sensor"))
  }

  /// Reports sensors that are not there, and warns of those that are too slow.
  static func check(_ devices: [Device], _ declared: DeclaredDevices, _ findings: Findings) {
    let all = devices + devices.flatMap(\.derived)
    for device in devices {
      guard case .actuator(let settings) = device.kind, let verify = settings.verify else { continue }
      switch all.first(where: { $0.id == verify.sensor })?.kind {
      case .sensor(let sensor):
        guard sensor.every > verify.within else { continue }
        findings.warning(
          verify.location,
          "'\(verify.sensor)' is measured every \(sensor.every.text), and 'within' is \(verify.within.text): no reading "
            + "can come in time")
      case .input: break
      case .actuator, .camera, nil: complain(of: verify, all, declared, findings)
      }
    }
  }

  private static func complain(
    of verify: EffectSettings, _ all: [Device], _ declared: DeclaredDevices, _ findings: Findings
  ) {
    let known = all.filter { ["sensor", "input"].contains($0.kind.name) }.map(\.id.rawValue).sorted()
    let expected =
      known.isEmpty
      ? ", expected a sensor or an input, but there is none"
      : ", expected a sensor or an input: \(Wording.alternatives(known))"
    guard let kind = declared.kinds[verify.sensor.rawValue] else {
      let suggestion = Suggestion.phrase(for: verify.sensor.rawValue, in: known)
      findings.error(
        verify.location,
        "'sensor' is '\(verify.sensor)', which is no device of this board\(suggestion.isEmpty ? expected : suggestion)")
      return
    }
    // One with an error of its own is not among the devices.
    guard let kind, !["sensor", "input"].contains(kind) else { return }
    findings.error(verify.location, "'sensor' is '\(verify.sensor)', \(Wording.article(kind))\(expected)")
  }
}
