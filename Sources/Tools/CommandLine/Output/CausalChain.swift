import Model

/// The output of `why`: the causal chain of an event, first cause first, each event below its cause.
package enum CausalChain {
  /// A line for each event, and one before them if the chain's beginning is no longer retained.
  /// - Parameters:
  ///   - chain: the result of `events.chain`, oldest first.
  ///   - utcOffset: seconds that local time is ahead of UTC at a moment in milliseconds since 1970.
  package static func lines(_ chain: [Event], colour: Bool, utcOffset: (UInt64) -> Int) -> [String] {
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
    // Events of a chain are in monotonic order. A violation would be a bug of the daemon; it is shown as zero.
    Span.delta(nanoseconds: later.monotonic > earlier.monotonic ? later.monotonic - earlier.monotonic : 0)
  }
}
