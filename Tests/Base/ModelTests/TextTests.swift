import Model
import Testing

@Suite struct TextTests {
  @Test(arguments: [
    ("10s", Duration.seconds(10)), ("1m30s", .seconds(90)), ("500ms", .milliseconds(500)), ("2h", .seconds(7200)),
    ("1d", .seconds(86400)), ("250us", .microseconds(250)), ("250µs", .microseconds(250)), ("7ns", .nanoseconds(7)),
    ("1.5s", .milliseconds(1500)), ("0s", .zero), (".5s", .milliseconds(500)),
  ])
  func durations(text: String, expected: Duration) { #expect(Quantity.duration(text) == expected) }

  @Test(arguments: [
    "", "10", "s", "-1s", "1 s", "1x", "1e3s", "1..5s", "10s ", "200000d", "1m30", "nan", "infs", "٣s", "1s\0",
    String(repeating: "9", count: 400) + "s",
  ])
  func malformedDurationsAreRefused(text: String) { #expect(Quantity.duration(text) == nil) }

  @Test func bytesPercentAndRates() {
    #expect(Quantity.bytes("4MiB") == 4 << 20)
    #expect(Quantity.bytes("1.5KiB") == 1536)
    #expect(Quantity.bytes("1024") == 1024)
    #expect(Quantity.bytes("2MB") == 2_000_000)
    for text in ["", "-1", "4mib", "4 MiB", "1e9", "99999999999999999999GiB"] { #expect(Quantity.bytes(text) == nil) }
    #expect(Quantity.percent("10%") == 0.1)
    #expect(Quantity.percent("10") == nil)
    #expect(Quantity.rate("20/s") == Rate(count: 20, per: .seconds(1)))
    #expect(Quantity.rate("10k/h") == Rate(count: 10_000, per: .seconds(3600)))
    #expect(Quantity.rate("100/10s") == Rate(count: 100, per: .seconds(10)))
    #expect(Quantity.byteRate("64KiB/m") == Rate(count: 65_536, per: .seconds(60)))
    #expect(Quantity.byteRate("100MB/d") == Rate(count: 100_000_000, per: .seconds(86_400)))
    #expect(Quantity.byteRate("4096/10s") == Rate(count: 4096, per: .seconds(10)))
    for text in ["1MiB", "1MiB/", "/s", "1MiB/0s", "10k/h", "-1/s", "1/s/s"] {
      #expect(Quantity.byteRate(text) == nil)
    }
    for text in ["20", "20/", "/s", "20/0s", "1.5/s", "x/s", "1/s/s", "-1/s"] { #expect(Quantity.rate(text) == nil) }
  }

  /// Messages are short, on one line and printable, whatever they quote.
  @Test func messagesArePrintableAndShort() {
    for text in ["\u{1B}[2J", "\u{9B}", "\u{7F}", "\u{202E}", "\u{061C}", "\u{FEFF}", "\u{2028}", "\n", "\0"] {
      let message = Diagnostic(Location(file: "f"), "no '\(text)'").message
      #expect("\(Location(file: text, line: 1, column: 2))" == "\(text.printable):1:2")
      #expect(message == "no '\(text.printable)'" && message != "no '\(text)'" && message.printable == message)
    }
    #expect("plain, and é too".asMessage == "plain, and é too")
    let long = String(repeating: "a\u{301}", count: 4000).asMessage
    #expect((2000...2048).contains(long.utf8.count) && long.hasSuffix("…"))
  }

  /// Durations in text are read back as the same, except that fractions of seconds have two decimals.
  @Test func durationsRoundTrip() {
    for duration in [
      Duration.zero, .nanoseconds(1), .microseconds(250), .milliseconds(90), .milliseconds(1500), .seconds(61),
      .seconds(90), .seconds(600), .seconds(7200), .seconds(86400), .seconds(90_061),
    ] {
      #expect(Quantity.duration(duration.text) == duration, "\(duration.text)")
    }
    #expect(Duration.seconds(61).text == "61s")
    #expect(Duration.seconds(90).text == "1.5m")
    #expect(Duration.milliseconds(-1500).text == "-1.5s")
    #expect(Duration.nanoseconds(1_234_567_890).text == "1.23s")
  }

  @Test func suggestions() {
    let known = ["temperature", "humidity", "fan", "door"]
    #expect(Suggestion.closest(to: "temperatur", in: known) == "temperature")
    #expect(Suggestion.closest(to: "temprature", in: known) == "temperature")
    #expect(Suggestion.closest(to: "tempreature", in: known) == "temperature")
    #expect(Suggestion.closest(to: "Fan", in: known) == "fan")
    #expect(Suggestion.closest(to: "fna", in: known) == "fan")
    #expect(Suggestion.closest(to: "pump", in: known) == nil)
    #expect(Suggestion.closest(to: "", in: known) == nil)
    #expect(Suggestion.closest(to: "a", in: []) == nil)
    #expect(Suggestion.phrase(for: "doro", in: known) == " (did you mean 'door'?)")
    #expect(Suggestion.phrase(for: "window", in: known) == "")
  }

  @Test func diagnosticsAreSortedByPlace() {
    let file = "b.yaml"
    let all = Diagnostics([
      Diagnostic(Location(file: file, line: 10, column: 2), "ten"), Diagnostic(Location(file: file, line: 9), "nine"),
      Diagnostic(Location(file: file), "whole", severity: .warning),
    ])
    #expect(all.description == "b.yaml: warning: whole\nb.yaml:9:0: nine\nb.yaml:10:2: ten")
  }

  @Test func identifiers() {
    for good in ["a", "cam0", "git-review", "a.b_c", "0", String(repeating: "x", count: 64)] {
      #expect(AgentID(good).isWellFormed, "\(good)")
    }
    for bad in ["", "-a", ".a", "_a", "a b", "a/b", "..", "ä", "a\0", "a\n", String(repeating: "x", count: 65)] {
      #expect(!AgentID(bad).isWellFormed, "\(bad)")
    }
  }
}
