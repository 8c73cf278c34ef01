import ArgumentParser
import Glibc
import Model

struct Chat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talks to an agent that thinks with a language model.",
    discussion: """
      With a message, prints the agent's answer and ends. Without one, reads messages from standard input, one on a line, \
      until its end (Ctrl-D). What the agent does meanwhile is told on standard error. Ctrl-C ends the chat; in the middle \
      of an answer it hangs up the model's call, and the agent ends its work on the message. Without a whole answer the \
      exit code is 1.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  @Argument(help: "What to say.")
  var message: [String] = []

  func validate() throws {
    guard message.isEmpty || !message.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) else {
      throw ValidationError("the message is empty; without one, messages are read from standard input")
    }
  }

  func run() throws {
    if !message.isEmpty { return try say(message.joined(separator: " ")) }
    let isTerminal = isatty(0) == 1
    while true {
      if isTerminal { Terminal.prompt("\(agent)> ") }
      guard let line = readLine() else { break }
      if line.allSatisfy(\.isWhitespace) { continue }
      do { try say(line) } catch let failure as Failure {
        // The next message may fare better, but not without a daemon.
        guard isTerminal, failure.status != .noDaemon else { throw failure }
        Terminal.complain("\(failure)")
      } catch let status as ShellStatus {
        guard isTerminal else { throw status }
      }
    }
    if isTerminal { Terminal.prompt("\n") }
  }

  private func say(_ text: String) throws {
    let terminal = Terminal()
    var told = ChatText()
    var failure: (any Error)?
    var isOver = false
    do {
      try shared.connect().follow("agent.chat", ["agent": .string(agent), "text": .string(text)]) { method, news in
        guard method == "chat.news" else { return }
        if shared.json { try terminal.json(.map(news)) } else { try show(news, &told, terminal) }
        guard news["kind"]?.string == "end" else { return }
        if let error = news["error"]?.string {
          if shared.json || told.isNew(error) {
            failure = Failure(.failed, error)
          } else {
            failure = ShellStatus.failed
          }
        }
        isOver = true
        throw ChatEnd()
      }
    } catch is ChatEnd {}
    guard isOver else { throw Failure(.noDaemon, "the daemon has ended before the agent had done what it was told") }
    if let failure { throw failure }
  }

  private func show(_ news: Fields, _ told: inout ChatText, _ terminal: Terminal) throws {
    switch news["kind"]?.string {
    case "waits": Terminal.complain("\(agent) is busy with another event; your message waits")
    case "text": try terminal.write(Array((news["text"]?.string ?? "").printableLines.utf8))
    case "answered": for line in ChatText.tools(news) { Terminal.complain(asItIs: line) }
    case "log":
      if let line = news["message"]?.string, told.isNew(line) { Terminal.complain("\(agent): \(line.printable)") }
    case "failed": if let line = told.failure(news) { Terminal.complain(line) }
    case "end": if news["text"]?.string?.isEmpty == false { try terminal.write(Array("\n".utf8)) }
    default: break
    }
  }
}

/// The agent has answered.
private struct ChatEnd: Error {}

/// What an agent does between two answers. Each sentence is told once.
struct ChatText {
  private var sentences: [String] = []
  private var failures: Set<String> = []

  /// Whether a sentence was not told yet, neither as it is nor behind the colon of another one.
  mutating func isNew(_ sentence: String) -> Bool {
    guard !sentence.isEmpty else { return false }
    let isTold = sentences.contains {
      $0 == sentence || $0.hasSuffix(": \(sentence)") || sentence.hasSuffix(": \($0)")
    }
    if !isTold { sentences.append(sentence) }
    return !isTold
  }

  /// Why a model did not answer; after a piece of an answer on a line of its own.
  /// - Returns: nil when that was told already.
  mutating func failure(_ news: Fields) -> String? {
    let sentence = news["message"]?.string ?? "a model did not answer"
    let name = news["model"]?.string.map { "\($0.printable): " } ?? ""
    let line = "\(name)\(sentence.printable)\(news["waits"]?.bool == true ? "; it waits" : "")"
    guard failures.insert(line).inserted else { return nil }
    sentences.append(sentence)
    return line
  }

  /// The tools that a model has asked for, and what the call has cost.
  static func tools(_ news: Fields) -> [String] {
    let tools = (news["tools"]?.list ?? []).compactMap(\.string)
    guard !tools.isEmpty else { return [] }
    let tokens = (news["prompt_tokens"]?.int ?? 0) + (news["answer_tokens"]?.int ?? 0)
    let money = news["money"]?.double.map { ", \($0.text)" } ?? ""
    // All of them are of one answer.
    return tools.dropLast().map { "[\($0.printable)]" } + [
      "[\(tools[tools.count - 1].printable); \(tokens) tokens\(money)]"
    ]
  }
}

struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what agents have used of language models in the last 31 days.")
  @OptionGroup var shared: SharedOptions

  @Option(help: "How it is summed up: agent, model or day.")
  var by = UsageGrouping.agent

  func run() throws {
    try shared.ask("tokens.usage", ["by": .string(by.rawValue)]) { result, _ in
      TokenTable.lines(result, by: by.rawValue, utcOffset: localOffset)
    }
  }
}

struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists the language models of the settings.")
  @OptionGroup var shared: SharedOptions

  func run() throws { try shared.ask("models.list") { result, _ in TokenTable.models(result) } }
}

struct TranscriptOf: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transcript", abstract: "Shows what models were asked last, and what they have answered.",
    discussion: "The newest exchanges are in memory; 'limits.transcript' in openstarry.yaml says how much.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; by default all.")
  var agent: String?

  @Option(name: [.customShort("n"), .long], help: "How many of the newest exchanges are shown.")
  var last = 3

  func validate() throws { try Bounds.check(last, 1...100, "--last") }

  func run() throws {
    var params: Fields = ["last": .int(Int64(last))]
    if let agent { params["agent"] = .string(agent) }
    try shared.ask("models.transcript", params) { result, terminal in
      TranscriptText.lines(result["exchanges"]?.list ?? [], colour: terminal.colour, utcOffset: localOffset)
    }
  }
}

extension UsageGrouping: ExpressibleByArgument {}
