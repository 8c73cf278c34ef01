import Model

/// `openstarry why`: the chain that led to an event, from where it began, each link below the one that caused it.
public enum CausalChain {
  /// The lines.
  /// - Parameters:
  ///   - chain: oldest first, as `events.why` answers it.
  ///   - utcOffset: seconds that local time is ahead of UTC at a moment in milliseconds since 1970.
  public static func lines(_ chain: [Event], colour: Bool, utcOffset: (UInt64) -> Int) -> [String] {
    guard let first = chain.first else { return [] }
    var lines: [String] = []
    if first.cause != nil { lines.append(Paint.faint("(what came before is no longer known)", colour)) }
    for (depth, event) in chain.enumerated() {
      let branch = depth == 0 ? "" : String(repeating: "   ", count: depth - 1) + "└─ "
      let time = EventLine.time(event, utcOffset: utcOffset(event.time))
      let delta = depth == 0 ? "" : "  \(step(from: chain[depth - 1], to: event))"
      let type = Paint.faint("(\(event.type.printable))", colour)
      let sentence = EventSentence.text(event)
      let isLast = depth == chain.count - 1
      lines.append(
        branch + Paint.faint(time + delta, colour) + "  " + (isLast ? Paint.bold(sentence, colour) : sentence) + "  "
          + type)
    }
    return lines
  }

  private static func step(from earlier: Event, to later: Event) -> String {
    // Chains are in order of time; a clock that went back would be the daemon's bug, and is shown as no time at all.
    Span.delta(nanoseconds: later.monotonic > earlier.monotonic ? later.monotonic - earlier.monotonic : 0)
  }
}
