/// One field of the payload of an event.
package struct EventField {
  /// What a value is.
  package enum Kind: String {
    case text
    case boolean
    case integer
    case number
    case list
  }

  /// Whether the field is there.
  package enum Presence {
    case always
    /// Always, but null where there is nothing to say.
    case orNull
    /// Left out where there is nothing to say.
    case sometimes
  }

  /// Its name in the payload.
  package let name: String
  /// What its value is.
  package let kind: Kind
  /// The unit of the number, `bytes` or `0 to 1`; nil where there is none, or another field has it.
  package let unit: String?
  /// What it means, as a noun phrase without a full stop.
  package let about: String
  /// Whether it is there.
  package private(set) var presence = Presence.always

  private init(_ name: String, _ kind: Kind, unit: String? = nil, _ about: String) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.about = about
  }

  /// A text.
  static func text(_ name: String, _ about: String) -> EventField { EventField(name, .text, about) }

  /// True or false; `about` says what true means.
  static func flag(_ name: String, _ about: String) -> EventField { EventField(name, .boolean, about) }

  /// A whole number.
  static func integer(_ name: String, _ about: String) -> EventField { EventField(name, .integer, about) }

  /// A whole number with a unit.
  static func integer(_ name: String, _ unit: String, _ about: String) -> EventField {
    EventField(name, .integer, unit: unit, about)
  }

  /// A number.
  static func number(_ name: String, _ unit: String, _ about: String) -> EventField {
    EventField(name, .number, unit: unit, about)
  }

  /// The level of an input or output.
  static func level(_ name: String, _ about: String) -> EventField { number(name, "0 to 1", about) }

  /// Texts, numbers or maps, in order.
  static func list(_ name: String, _ about: String) -> EventField { EventField(name, .list, about) }

  /// The same, null where there is nothing to say.
  var orNull: EventField { with(.orNull) }

  /// The same, left out where there is nothing to say.
  var sometimes: EventField { with(.sometimes) }

  private func with(_ presence: Presence) -> EventField {
    var field = self
    field.presence = presence
    return field
  }

  /// Whether `value` is of its kind.
  func takes(_ value: Value) -> Bool {
    switch (kind, value) {
    case (.text, .string), (.boolean, .bool), (.integer, .int), (.number, .double), (.list, .list): true
    default: false
    }
  }

  // MARK: Fields of many events

  static var device: EventField { text("device", "the device") }
  static var agent: EventField { text("agent", "the agent") }
  static var rule: EventField { text("rule", "the rule") }
  static var message: EventField { text("message", "why, in words") }
}
