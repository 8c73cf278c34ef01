/// Events of inputs with `gestures`.
package enum GestureEvents {
  /// What somebody did with a button.
  package enum Kind: String, Sendable, CaseIterable { case short, long, double }

  static var all: [EventDeclaration] { [madeDeclaration] }

  private static var madeDeclaration: EventDeclaration {
    EventDeclaration(
      "gesture:<id>", .high, "a button was pressed in one of the ways that `gestures` of its input tells apart",
      [
        .text(
          "kind",
          "`short`, `long` (while it is still pressed), or `double`; without `long` or `double` in the board file, that "
            + "kind never comes")
      ],
      example: made(name(of: "button"), .double)
    ) { event in
      guard let kind = event["kind"]?.string else { return nil }
      return "\(event.verb): \(kind.printable) press"
    }
  }

  /// - Parameter type: the input's `name(of:)`; callers keep it, so that it is not made for every press.
  package static func made(_ type: String, _ kind: Kind) -> DaemonEvent {
    DaemonEvent(madeDeclaration, type: type, Fields(uniquePairs: [("kind", .string(kind.rawValue))]))
  }

  /// The name of the gestures of an input, `gesture:<id>`.
  package static func name(of input: DeviceID) -> String { "gesture:\(input)" }
}
