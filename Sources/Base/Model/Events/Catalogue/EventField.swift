/// A declared field of an event's payload.
package struct EventField {
  /// The type of a value.
  package enum Kind: String {
    case text
    case boolean
    case integer
    case number
    case list
  }

  /// Whether a payload has the field.
  package enum Presence {
    case always
    /// Always present; null when there is no value.
    case orNull
    /// Left out when there is no value.
    case sometimes
  }

  /// The key in the payload.
  package let name: String
  /// The type of the value.
  package let kind: Kind
  /// The unit or range of a number, such as `ms` or `0 to 1`; nil for none.
  package let unit: String?
  /// The meaning: a phrase without a full stop.
  package let about: String
  /// Whether a payload has the field.
  package private(set) var presence = Presence.always

  private init(_ name: String, _ kind: Kind, unit: String? = nil, _ about: String) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.about = about
  }

  /// A text field.
  static func text(_ name: String, _ about: String) -> EventField { EventField(name, .text, about) }

  /// A boolean field; `about` describes true.
  static func flag(_ name: String, _ about: String) -> EventField { EventField(name, .boolean, about) }

  /// An integer field without a unit.
  static func integer(_ name: String, _ about: String) -> EventField { EventField(name, .integer, about) }

  /// An integer field with a unit.
  static func integer(_ name: String, _ unit: String, _ about: String) -> EventField {
    EventField(name, .integer, unit: unit, about)
  }

  /// A floating-point field with a unit or range.
  static func number(_ name: String, _ unit: String, _ about: String) -> EventField {
    EventField(name, .number, unit: unit, about)
  }

  /// The level of an output, from 0 to 1.
  static func level(_ name: String, _ about: String) -> EventField { number(name, "0 to 1", about) }

  /// A list field of any elements.
  static func list(_ name: String, _ about: String) -> EventField { EventField(name, .list, about) }

  /// The field, but null when there is no value.
  var orNull: EventField { with(.orNull) }

  /// The field, but left out when there is no value.
  var sometimes: EventField { with(.sometimes) }

  private func with(_ presence: Presence) -> EventField {
    var field = self
    field.presence = presence
    return field
  }

  /// Whether `value` has the field's type.
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
