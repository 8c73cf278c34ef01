import Document
import Model

extension Shape where Wanted: Identifier {
  /// A well-formed id.
  static var id: Shape {
    Shape(
      "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit", isFreeText: true, .text(Schema.id)
    ) { node in
      guard case .string(let text) = node.content, Wanted(text).isWellFormed else { return nil }
      return Wanted(text)
    }
  }
}

extension Shape where Wanted == String {
  /// A name for people, in any script. Its bytes are limited, too, because a character may have any number of accents.
  static var displayName: Shape {
    Shape(
      "text of 1 to 64 characters, without control characters", isFreeText: true, .text(least: 1, most: 512)
    ) { node in
      guard case .string(let text) = node.content, text.utf8.count <= 512, (1...64).contains(text.count),
        text.printable == text, text.contains(where: { !$0.isWhitespace })
      else { return nil }
      return text
    }
  }
}

extension Shape where Wanted == EventPattern {
  /// An event name, or one with wildcards.
  static var event: Shape {
    Shape("an event name such as sensor:temperature or a pattern such as sensor:*", .text(Schema.event)) { node in
      guard case .string(let text) = node.content, EventPattern(text).isWellFormed else { return nil }
      return EventPattern(text)
    }
  }

  /// A device id, or one with wildcards.
  static var device: Shape {
    Shape(
      "a device id or a pattern such as temp* (letters, digits, '.', '_', '-' and '*')", .text(Schema.devices)
    ) { node in
      guard case .string(let text) = node.content, text.utf8.count <= 64 else { return nil }
      // Wildcards may be anywhere; the rest must consist of the characters of an id.
      let letters = text.filter { $0 != "*" }
      guard !text.isEmpty, letters.isEmpty || DeviceID("0" + letters).isWellFormed else { return nil }
      return EventPattern(text)
    }
  }
}

extension EventPattern {
  /// Whether some event name can match: the pattern is a valid `domain:verb`, or one with wildcards.
  var isWellFormed: Bool {
    guard Name(text).isShort else { return false }
    if isExact { return Self.isEventName(text) }
    // A wildcard matches any characters: replace each by a letter to check the rest.
    let probe = String(text.map { $0 == "*" ? "x" : $0 })
    return probe.utf8.contains(UInt8(ascii: ":")) ? Self.isEventName(probe) : Self.isEventName("x:\(probe)")
  }
}
