import Agent
import Model
import RPC

/// What one client hears of an agent while that handles what the client has said.
final class ChatListening {
  private weak var session: (any Session)?
  private weak var subscription: Subscription?
  /// What the model says, since the agent has asked it last.
  private var text = ""
  /// Whether the next piece begins another answer.
  private var isWhole = false
  /// Whether the server has cut it at the most tokens of an answer.
  private var isCut = false
  private var failure: String?
  private var wasAnswered = false
  /// Which of its bounds has ended the agent's work, in words.
  private var bound: String?
  /// Whether the agent was handling another event at first.
  private let isBehind: Bool
  /// Whether the agent has begun to handle the message.
  private var isHandled = false
  /// Whether the message was handled or dropped.
  private(set) var isOver = false
  private var hasBegun = false
  /// What came before the answer to the request.
  private var early: [Fields] = []

  /// The longest text of `end`, in bytes: in a line, each may take six.
  private static let longestText = 65_536
  /// With this, a mind logs which bound has ended its work on an event.
  private static let boundPrefix = "ended: "

  /// - Parameter isBehind: whether the agent is handling another event.
  init(_ session: any Session, _ subscription: Subscription, isBehind: Bool) {
    (self.session, self.subscription, self.isBehind) = (session, subscription, isBehind)
    if isBehind { send(["kind": "waits"]) }
  }

  /// The request is answered: what follows may be sent.
  func begin() {
    hasBegun = true
    for fields in early { send(fields) }
    early = []
  }

  /// The agent begins to handle the message.
  func agentBegins() { isHandled = true }

  func hear(_ piece: String) {
    if isWhole { endText() }
    text += piece
    send(["kind": "text", "text": .string(piece)])
  }

  func hear(_ event: Event) {
    if event.type.isSame(as: "model:answered") {
      // What it says while it asks for tools is no answer yet.
      if event["tools"]?.list?.isEmpty == false { endText() }
      (isWhole, isCut) = (true, event["finish"]?.string == "length")
      send(["kind": "answered"] + event.payload)
      (failure, wasAnswered) = (nil, true)
    } else {
      failure = event["message"]?.string
      // What a model has begun to say is no part of the next one's answer.
      endText()
      send(["kind": "failed"] + event.payload)
    }
  }

  /// What comes next is on a line of its own.
  private func endText() {
    if !text.isEmpty { send(["kind": "text", "text": "\n"]) }
    (text, isWhole) = ("", false)
  }

  /// Why it has not done what it was asked is in its log.
  func hear(_ line: LogLine) {
    // What it says of another event concerns others.
    guard line.level <= .warning, isHandled || !isBehind else { return }
    if line.message.hasPrefix(Self.boundPrefix) { bound = String(line.message.dropFirst(Self.boundPrefix.count)) }
    send(["kind": "log", "level": .string("\(line.level)"), "message": .string(line.message)])
  }

  /// The message was handled or dropped.
  /// - Parameter status: the agent's status then; nil when it is not registered any more.
  func end(_ outcome: EventOutcome, _ status: AgentStatus?) {
    isOver = true
    let text = String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self)
    send(["kind": "end", "text": .string(text), "error": problem(outcome, status).map(Value.string) ?? .null])
  }

  /// Why there is no whole answer; nil when there is one.
  private func problem(_ outcome: EventOutcome, _ status: AgentStatus?) -> String? {
    if isWhole, !text.isEmpty {
      return isCut ? "the answer was cut at the most tokens of an answer (max_tokens, cognition.maxTokens)" : nil
    }
    guard let status else { return "the agent is not registered any more" }
    if let ending = status.ending {
      return "the agent was \(ending.rawValue) \(isHandled ? "while it was answering" : "before it could answer")"
    }
    switch outcome {
    case .failed(let message), .refused(let message): return message
    case .dropped where !isHandled:
      if !status.isEnabled { return "the agent was disabled before it could answer" }
      // An earlier error says nothing about this.
      let why = status.state == .quarantined || status.lastExit == .startFailed ? status.lastError : nil
      return "the agent did not get the message" + (why.map { ": \($0)" } ?? "")
    case .handled, .dropped:
      if let known = failure ?? bound { return known }
      if !text.isEmpty { return "the answer broke off" }
      return wasAnswered ? "the model gave no answer" : "the agent has asked no model; its log may say why"
    }
  }

  private func send(_ fields: Fields) {
    guard hasBegun else { return early.append(fields) }
    guard let subscription else { return }
    if fields["kind"] == "end" {
      session?.end(subscription, "chat.news", fields)
    } else {
      session?.notify(subscription, "chat.news", fields)
    }
  }
}

extension Fields {
  fileprivate static func + (left: Fields, right: Fields) -> Fields {
    right.reduce(into: left) { $0[$1.key] = $1.value }
  }
}
