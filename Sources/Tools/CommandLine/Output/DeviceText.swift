import Model

/// The output for devices, readings and receipts (`docs/control.md`, 4.4 to 4.6).
package enum DeviceText {
  /// The output of `devices`: a table of devices.
  package static func table(_ devices: [Value]) -> [String] {
    var table = Table(["DEVICE", "KIND", "DRIVER", "STATE", "MORE"])
    for device in devices {
      table.add([
        device["device"]?.string ?? "", device["kind"]?.string ?? "", device["driver"]?.string ?? "",
        device["state"]?.string ?? "", more(device),
      ])
    }
    return table.lines
  }

  /// The line below the table of a simulated board; nil for a real one.
  package static func simulation(_ devices: [Value]) -> String? {
    guard devices.contains(where: { $0["driver"]?.string == "simulated" }) else { return nil }
    return "simulated: no hardware is used; 'openstarry simulate DEVICE VALUE' sets what a sensor or an input shows"
  }

  /// `temperature 30.4 °C`, with quality and age unless the quality is good.
  package static func reading(_ reading: Value) -> String {
    let quality = reading["quality"]?.string ?? "good"
    let value = EventSentence.reading(reading["value"] ?? .null, unit: reading["unit"]?.string, quality: nil)
    let age = reading["age_ms"]?.int.map { ", \(Duration.milliseconds($0).text) old" } ?? ""
    let doubt = quality == "good" ? "" : " (\(quality.printable)\(age))"
    return "\(reading["device"]?.string?.printable ?? "-") \(value)\(doubt)"
  }

  /// `fan on (was off)`, followed by the lease if it is asked for or cut by a limit: `for 20s (max_on 20s)`.
  /// - Parameter showsLease: whether the command asked for a lease.
  package static func receipt(_ receipt: Value, showsLease: Bool = false) -> String {
    let device = receipt["device"]?.string?.printable ?? "-"
    guard let state = receipt["state"]?.double else { return device }
    let now = EventSentence.level(state)
    let before = receipt["previous"]?.double.map { $0 == state ? "as before" : "was \(EventSentence.level($0))" }
    let held = receipt["taken_from"]?.string.map { holder in
      "taken over from \(holder.printable)" + (holder.hasPrefix("rule/") ? "" : ", which may command it again")
    }
    let about = [before, held].compactMap(\.self).joined(separator: ", ")
    let change = "\(device) \(now)" + (about.isEmpty ? "" : " (\(about))")
    let doubt = receipt["confirmed"]?.bool == false ? " (the hardware has not confirmed it yet)" : ""
    let limit = receipt["limit"]?.string.map { " (\($0.printable))" }
    guard showsLease || limit != nil, let lease = receipt["lease_ms"]?.int else { return change + doubt }
    return "\(change) for \(Duration.milliseconds(lease).text)\(limit ?? "")\(doubt)"
  }

  private static func more(_ device: Value) -> String {
    let name = device["name"]?.string.map { "“\($0)”" }
    return [name, condition(device)].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "; ")
  }

  /// `NO EFFECT when on: current was 0.01 A, is 0.02 A`.
  package static func noEffect(_ found: Value) -> String {
    let unit = found["unit"]?.string
    func reading(_ name: String) -> String? {
      found[name].flatMap { $0.double == nil ? nil : EventSentence.reading($0, unit: unit, quality: nil) }
    }
    let state = found["state"]?.double.map { " when \(EventSentence.level($0))" } ?? ""
    let sensor = found["sensor"]?.string?.printable ?? "its sensor"
    guard let after = reading("after") else {
      return
        "NO EFFECT\(state) shown by \(sensor): \(found["detail"]?.string?.printable ?? "no good reading came in time")"
    }
    return "NO EFFECT\(state): \(sensor) " + (reading("before").map { "was \($0), and " } ?? "") + "is \(after)"
  }

  private static func condition(_ device: Value) -> String {
    var parts: [String] = []
    if let fault = device["fault"]?.string, device["state"]?.string?.hasSuffix(": \(fault)") != true {
      parts.append(fault)
      guard device["holder"]?.string != nil || device["no_effect"] != nil else { return fault }
    }
    if let quality = device["quality"]?.string, quality != "good" {
      parts.append(quality + (device["age_ms"]?.int.map { ", \(Span.text(.milliseconds($0))) old" } ?? ""))
    }
    if let found = device["no_effect"] { parts.append(noEffect(found)) }
    if let holder = device["holder"]?.string {
      let left = device["lease_ms"]?.int.map { ", \(Span.text(.milliseconds($0))) left" } ?? ""
      parts.append("held by \(holder)\(left)")
    }
    return (parts + (device["limits"]?.list ?? []).compactMap(\.string)).joined(separator: "; ")
  }
}
