import Linux
import OpenStarryAgent

/// An agent that thinks with a language model: its events become messages, and what its manifest grants becomes tools.
///
/// What it does to the board goes through the daemon's gate, as with any other agent; files and MCP servers are used in its
/// sandbox, within what that shows. The model's answer to an event is in the report and in the log.
package struct MindAgent: Agent {
  private let pause: (Duration) -> Void
  private let data: String?
  private let dataLimit: UInt64?
  private var body: Body?
  private var report = MindReport()

  /// What lives from the first event on.
  private struct Body {
    var settings: Settings
    var box: ToolBox
    var system: String
    var notes: Notes
    var history: History
  }

  /// Creates a mind. It learns of its surroundings with its first event.
  package init() {
    let environment = Environment.current()
    self.init(
      data: environment["OPENSTARRY_DATA"], dataLimit: environment["OPENSTARRY_DATA_LIMIT"].flatMap { UInt64($0) }
    ) {
      Pause.wait(nanoseconds: UInt64(max(0, $0.nanoseconds)))
    }
  }

  /// - Parameters:
  ///   - data: the folder that it may write to; nil for none.
  ///   - dataLimit: how much that may have, in bytes; nil for no limit.
  ///   - pause: waits for a picture that is being taken.
  init(data: String?, dataLimit: UInt64? = nil, pause: @escaping (Duration) -> Void) {
    self.data = data
    self.dataLimit = dataLimit
    self.pause = pause
  }

  /// Works on an event until the model has answered or a bound is reached. The bounds end the work on this event: the
  /// log says which, the report names it as `last_end`, and the mind goes on with the next event.
  /// - Throws: the refusal of a model call, or of `describe`; `invalid` for an agent without `cognition`.
  package mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    let board = try Surroundings(context.surroundings())
    var body = self.body ?? open(board, &context)
    // Also where a refusal is thrown.
    defer {
      if let timer = Question.timer(event) { body.notes.timerHasCome(timer, &context) }
      self.body = body
    }
    report.events += 1
    let notes = body.notes
    let question = Question.text(event) { notes.timer($0, &context) } + Question.now(board)
    var turn = Turn(
      body.settings, body.box,
      Transcript(system: body.system, history: body.history.messages, question: question))
    let end: TurnEnd
    do throws(AgentError) {
      (end, report.lastAnswer) = try turn.run(&context, &report)
    } catch {
      (report.lastEnd, report.lastAnswer) = (.refused, "")
      // What was done has to be known the next time.
      if !turn.done.isEmpty { keep(event, turn.done, &body, &context) }
      throw error
    }
    report.lastEnd = end
    keep(event, turn.done, &body, &context)
    tell(end, &context)
  }

  /// Adds the exchange to the history.
  private func keep(_ event: Event, _ done: [String], _ body: inout Body, _ context: inout Context) {
    let notes = body.notes
    let question = Question.text(event, room: Question.keptRoom) { notes.timer($0, &context) }
    let exchange = History.Exchange(question: question, done: done, answer: report.lastAnswer)
    guard let refusal = body.history.add(exchange, &context) else { return }
    context.log("the conversation is kept in memory only: \(refusal.message)", .warning)
  }

  /// Its tools, its prompt, and what it remembers.
  private func open(_ board: Surroundings, _ context: inout Context) -> Body {
    let notes = Notes()
    let servers = ServerTools.all(board.settings)
    for sentence in servers.problems { context.log(sentence, .warning) }
    let box = ToolBox(
      board, notes: notes, places: FilePlaces(board.paths, data: data, limit: dataLimit), others: servers.tools,
      pause: pause)
    for sentence in box.missing { context.log("no tool \(sentence)", .notice) }
    return Body(
      settings: board.settings, box: box, system: SystemPrompt.text(board, tools: box.tools.map(\.name)), notes: notes,
      history: History(window: board.settings.window, &context))
  }

  private func tell(_ end: TurnEnd, _ context: inout Context) {
    if end != .answered { context.log("ended: \(end.sentence)", .warning) }
    if !report.lastAnswer.isEmpty { context.log("says: \(report.lastAnswer.bounded(400))") }
  }

  /// Counters of events, calls and tokens, the last end and the last answer.
  package func snapshot() -> Value { report.value }
}
