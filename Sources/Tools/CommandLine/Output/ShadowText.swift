import Model

/// The output of `shadow`: the result of `shadow.compare` (`docs/control.md`).
package enum ShadowText {
  /// How many differences of an output are shown.
  private static let mostDifferences = 5

  /// A table of the outputs, then for each its newest differences and refusals, and what else would have been done.
  package static func lines(_ result: Value, colour: Bool) -> [String] {
    let name = (result["agent"] ?? result["rule"])?.string?.printable ?? "-"
    var lines = ["\(name): a shadow for \(span(result["since_ms_ago"]))"]
    let outputs = result["outputs"]?.list ?? []
    if outputs.isEmpty { lines.append("it commands no output") } else { lines += table(outputs) }
    for output in outputs { lines += details(output, colour) }
    for (kind, deeds) in result["other"]?.map ?? [:] {
      let newest = deeds["newest"]?.list?.first
      let last = newest.map { ", last \(span($0["ms_ago"])) ago: \($0["text"]?.string?.printable ?? "-")" } ?? ""
      lines.append("\(kind.printable): \(deeds["count"]?.int ?? 0) times\(last)")
    }
    return lines
  }

  private static func table(_ outputs: [Value]) -> [String] {
    var table = Table(
      ["OUTPUT", "IN THE LAST", "WOULD BE ON", "WAS ON", "WOULD SWITCH", "SWITCHED", "DIFFERED"],
      rightAligned: [1, 2, 3, 4, 5, 6])
    for output in outputs {
      table.add([
        output["device"]?.string ?? "", span(output["since_ms_ago"]),
        span(output["would"]?["on_ms"]), span(output["did"]?["on_ms"]),
        output["would"]?["switchings"]?.text() ?? "", output["did"]?["switchings"]?.text() ?? "",
        span(output["differs_ms"]),
      ])
    }
    return table.lines
  }

  private static func details(_ output: Value, _ colour: Bool) -> [String] {
    let device = output["device"]?.string?.printable ?? "-"
    var lines = (output["differences"]?.list ?? []).prefix(mostDifferences).map { difference in
      let holder = difference["holder"]?.string.map { " (\($0.printable))" } ?? ""
      let end = difference["to_ms_ago"].flatMap { end in end.int.map { _ in " to \(span(end)) ago" } } ?? " until now"
      return Paint.yellow("\(device) differed", colour)
        + " from \(span(difference["from_ms_ago"])) ago\(end): would be "
        + "\(level(difference["would"])), was \(level(difference["did"]))\(holder)"
    }
    for (reason, count) in output["refused"]?.map ?? [:] {
      lines.append("\(device): refused \(count.text()) times by \(reason.printable)")
    }
    for (holder, count) in output["waited"]?.map ?? [:] {
      lines.append("\(device): would have had to wait \(count.text()) times for \(holder.printable)")
    }
    return lines
  }

  private static func span(_ milliseconds: Value?) -> String {
    milliseconds?.int.map { Span.text(.milliseconds($0)) } ?? "-"
  }

  private static func level(_ level: Value?) -> String { level?.double.map(EventSentence.level) ?? "-" }
}
