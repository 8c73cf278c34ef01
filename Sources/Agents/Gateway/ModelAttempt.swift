import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Tokens

/// One request to one model: what is sent, what it may cost, and what has come.
struct ModelAttempt {
  let model: LanguageModelState
  /// What is reserved for it.
  let sum: TokenCall
  private let encoder: ChatEncoder
  private let textBytes: Int
  private let pictures: Int
  private var sentBytes = 0

  /// Its number in the ledger.
  var reservation: TokenCallID?
  /// Its number at the server, from when it was handed over.
  var call: UInt32?
  private(set) var began: Instant
  private var first: Instant?
  private(set) var builder = AnswerBuilder()

  /// The fewest tokens of an answer that are asked for when the context is nearly full: the estimate of the request is an upper
  /// bound, and the server is to decide about one that may just fit.
  private static let fewest: Int64 = 16

  init(_ model: LanguageModelState, _ request: ModelRequest, _ caller: ModelCaller, at now: Instant) {
    self.model = model
    began = now
    let settings = model.settings
    var encoder = ChatEncoder(settings: settings, request: request, maxTokens: 0)
    (textBytes, pictures) = (encoder.textBytes, encoder.pictureCount)
    let prompt = model.estimate.tokens(bytes: textBytes, messages: request.messages.count, pictures: pictures)
    var most = Int64(min(max(1, request.maxTokens ?? settings.maxTokens), 1_000_000))
    if let context = settings.context { most = min(most, max(Self.fewest, Int64(context) - prompt)) }
    encoder.maxTokens = Int(most)
    self.encoder = encoder
    let accounts = ([caller.agent] + caller.parents).map(TokenCall.account) + [TokenCall.board]
    sum = TokenCall(
      accounts: accounts, tokens: prompt + most, money: settings.price?.cost(prompt: prompt, answer: most) ?? 0,
      agent: caller.agent, model: settings.name)
  }

  /// Whether tools are described as a schema of the answer.
  var usesSchema: Bool { encoder.usesSchema }

  /// Hands it over.
  mutating func send(
    to server: any ModelServer, at now: Instant, _ hear: @escaping (LanguageModelLink.News) -> Void
  ) {
    began = now
    let limits = LanguageModelLimits(
      connect: 10_000, firstByte: model.milliseconds, idle: min(60_000, model.milliseconds), total: model.milliseconds)
    let request = LanguageModelRequest(
      url: "\(model.settings.url)/chat/completions", key: model.settings.key, limits: limits)
    let body = encoder.body
    sentBytes = body.count
    call = server.ask(request, body: body, hear)
  }

  /// Takes a piece of the answer.
  mutating func take(_ news: LanguageModelLink.News, at now: Instant) {
    if first == nil { first = now }
    builder.take(news)
  }

  /// The answer, with the names of tools as the agent knows them.
  func answer(finish: String, of request: ModelRequest, _ usage: TokenUsage?) -> ModelAnswer {
    var answer = builder.answer(finish: finish, usesSchema: usesSchema)
    for index in answer.toolCalls.indices {
      answer.toolCalls[index].name = ToolNames.tool(answer.toolCalls[index].name, of: request)
    }
    answer.promptTokens = Int(usage?.prompt ?? 0)
    answer.answerTokens = Int(usage?.completion ?? 0)
    answer.model = model.settings.name
    return answer
  }

  /// What a server says that it has counted, within reason: never less than a sixteenth of the bytes, never more than all of
  /// them.
  func used(_ usage: LanguageModelUsage) -> TokenUsage {
    let prompt = min(max(Int64(usage.prompt), Int64(textBytes / 16) + 1), Int64(sentBytes) + 1024)
    let most = Int64(encoder.maxTokens + builder.bytes + 16)
    let answer = min(max(Int64(usage.completion), Int64(builder.bytes / 16)), most)
    let money = model.settings.price?.cost(prompt: prompt, answer: answer) ?? 0
    return TokenUsage(prompt: prompt, completion: answer, money: money)
  }

  /// The model has answered: its next requests are estimated better.
  func end(_ usage: TokenUsage?) {
    model.noteAnswer(askedAt: began)
    if let usage { model.estimate.learn(bytes: textBytes, tokens: usage.prompt, pictures: pictures) }
  }

  /// The report of the answer.
  func report(_ agent: AgentID, _ usage: TokenUsage?, at now: Instant) -> ModelEvents.Call {
    ModelEvents.Call(
      agent, model: model.settings.name, promptTokens: usage?.prompt ?? 0, answerTokens: usage?.completion ?? 0,
      money: usage?.money ?? sum.money, first: (first ?? now) - began, total: now - began)
  }
}
