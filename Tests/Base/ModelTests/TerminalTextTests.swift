import Model
import Testing

/// Text never contains anything that a terminal interprets.
@Suite struct TerminalTextTests {
  private static let text = "a\u{9B}31mb\u{202E}c\u{7F}d\u{1B}[2Je"

  @Test func linesKeepNewlinesTabsAndColours() {
    #expect(Self.text.forTerminal == "a\\u{9b}31mb\\u{202e}c\\u{7f}d\\u{1b}[2Je")
    #expect("one\n\ttwo \(Paint.red("three", true))".forTerminal == "one\n\ttwo \u{1B}[31mthree\u{1B}[0m")
    #expect("plain, ä, 世".forTerminal == "plain, ä, 世")
    #expect("\u{1B}[31".forTerminal == "\\u{1b}[31" && "\u{1B}[123m".forTerminal == "\\u{1b}[123m")
    #expect("\u{1B}".forTerminal == "\\u{1b}" && "a\rb".forTerminal == "a\\rb")
  }

  @Test func messagesKeepOnlyNewlines() {
    #expect(
      "\(Self.text)\n\u{1B}[31mf\tg\r\nh".printableLines
        == "a\\u{9b}31mb\\u{202e}c\\u{7f}d\\u{1b}[2Je\n\\u{1b}[31mf\\tg\\r\nh")
    #expect("plain, ä\n世\n".printableLines == "plain, ä\n世\n")
  }

  @Test func escapedJSONKeepsItsValue() {
    #expect("\"\u{9B}\u{202E}\u{7F}ä\"\n".printableJSON == #""\u009b\u202e\u007fä""# + "\n")
  }
}
