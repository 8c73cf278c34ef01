import Document
import Linux
import Model
import OpenStarryAgent

/// The daemon's JSON reader (jansson) beside the SDK's, on a control message and on a list of events.
enum JSONReaders {
  static func report() throws {
    Report.section("JSON readers")
    let request =
      #"{"jsonrpc":"2.0","id":7,"method":"hal.control","params":{"device":"fan","command":0.4,"lease_ms":60000}}"#
    let event =
      #"{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"sensor:temperature","time":1785398400000,"monotonic_ns":123456789012,"#
      + #""source":"hal","cause":null,"depth":1,"priority":3,"payload":{"value":21.53,"unit":"°C","quality":"good"}}"#
    let list = "[" + [String](repeating: event, count: 200).joined(separator: ",") + "]"
    for (name, text, rounds) in [("a request of 105 bytes", request, 5_000), ("200 events, 52 KB", list, 100)] {
      let bytes = Array(text.utf8)
      let jansson = try measure(rounds) { _ = try JSON.decode(bytes[...]) }
      let own = try measure(rounds) { _ = try JSONText.read(bytes) }
      Report.line("\(name): jansson", SampleDistribution(jansson).text("µs"))
      Report.line("\(name): the SDK's reader", SampleDistribution(own).text("µs"))
    }
  }

  private static func measure(_ rounds: Int, _ work: () throws -> Void) throws -> [Double] {
    try (0..<rounds).map { _ in
      let begin = System.monotonicNanoseconds()
      try work()
      return Double(System.monotonicNanoseconds() - begin) / 1000
    }
  }
}
