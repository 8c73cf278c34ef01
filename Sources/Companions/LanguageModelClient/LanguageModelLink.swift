import CompanionClient
import EventLoop
import Glibc
import LanguageModel
import Linux
import Model
import Wire

/// The daemon's connection to openstarry-model, which makes requests to language-model servers: starts it or connects to it
/// for the first call, and lets it go some time after the last one. Loop thread only.
///
/// A call is one HTTP request; it is never repeated here. If the gateway dies, its calls fail, and the next call starts it
/// again after a wait.
package final class LanguageModelLink {
  /// What a call brings. Exactly one of `answered` and `failed` is the last.
  package enum News: Equatable, Sendable {
    /// A piece of the answer's text.
    case text(String)
    /// A call of a tool begins. `index` tells the calls of one answer apart.
    case toolCall(index: Int, id: String, name: String)
    /// A piece of its arguments, which are JSON text once all pieces are there. A server may send broken JSON.
    case arguments(index: Int, String)
    /// The answer is whole. `finish` is why it ended in the server's words, such as `stop`, `length` or `tool_calls`; empty
    /// if it did not say. `usage` is nil if the server did not say, or said nonsense.
    case answered(finish: String, usage: LanguageModelUsage?)
    case failed(LanguageModelFailure)
  }

  private final class Call {
    let request: LanguageModelRequest
    let hear: (News) -> Void
    /// Until the gateway has it.
    var body: [UInt8]?
    /// Whether the gateway has taken it on. It sends nothing to the server before it has said so.
    var isAccepted = false
    /// How often it could not be handed over.
    var attempts = 0
    /// The bytes that it has brought.
    var received = 0

    init(_ request: LanguageModelRequest, _ body: [UInt8], _ hear: @escaping (News) -> Void) {
      self.request = request
      self.body = body
      self.hear = hear
    }
  }

  /// How often a call is handed to a gateway that has just died.
  private static let mostAttempts = 3

  private let loop: EventLoop
  private let companion: CompanionLink<LanguageModelMessage>
  private var calls: [UInt32: Call] = [:]
  private var lastID: UInt32 = 0

  /// The gateway's process, if this daemon has started it and it runs.
  package var process: Int32? { companion.process }

  /// The variable with the path of the gateway's socket, which the daemon's unit sets.
  package static let variable = "OPENSTARRY_MODEL"

  /// Starts nothing yet.
  /// - Parameters:
  ///   - socket: where systemd listens for the gateway; nil: the daemon starts the program itself.
  ///   - program: the gateway's program; nil when it is not installed.
  package init(
    _ loop: EventLoop, socket: String? = Environment.current()[LanguageModelLink.variable],
    program: String? = CompanionProgram.find("openstarry-model")
  ) {
    self.loop = loop
    companion = CompanionLink(CompanionStart("openstarry-model", socket: socket, program: program), on: loop)
    companion.handlers = .init(
      hear: { [weak self] in self?.hear($0) }, lost: { [weak self] in self?.lose($0) },
      opened: { [weak self] in self?.handAll() }, failed: { [weak self] in self?.failWaiting($0) })
  }

  /// Why no call could be made here; nil when one could. Without libcurl each call fails with `absent`.
  package var absence: String? {
    guard companion.start.isAbsent else { return nil }
    return "openstarry-model is not installed beside the daemon, so no language model can be asked"
  }

  /// Makes one request.
  /// - Parameters:
  ///   - request: the server, the key's name, and the limits.
  ///   - body: the JSON of the request (`POST`), sent as it is.
  ///   - hear: called later, never from within this call and never after `cancel` or `close`.
  /// - Returns: the number of the call, for `cancel`.
  package func ask(
    _ request: LanguageModelRequest, body: [UInt8], _ hear: @escaping (News) -> Void
  ) -> UInt32 {
    repeat { lastID &+= 1 } while calls[lastID] != nil
    let id = lastID
    calls[id] = Call(request, body, hear)
    if companion.isOpen { hand(id) }
    companion.need()
    return id
  }

  /// Ends a call: closes the connection to the server at once, which then stops its work. Does nothing if the call is over.
  /// - Returns: whether the server may have got it: not while it waits for the gateway.
  @discardableResult
  package func cancel(_ id: UInt32) -> Bool {
    guard let call = calls.removeValue(forKey: id) else { return false }
    if call.body == nil { companion.tell(.cancel(id: id), expectsAnswer: false) }
    if calls.isEmpty { companion.release() }
    return call.body == nil
  }

  /// Ends all calls and the gateway, and waits for nothing.
  package func close() {
    calls = [:]
    companion.close()
  }

  // MARK: Connection

  private func handAll() { for id in calls.keys.sorted() { hand(id) } }

  private func hand(_ id: UInt32) {
    guard let call = calls[id], let body = call.body else { return }
    do throws(SystemError) {
      let file = try MemoryFile.sealed("openstarry-request", body)
      try companion.send(.ask(id: id, call.request), [file.number], expectsAnswer: true)
      call.body = nil
    } catch {
      call.attempts += 1
      // It has just died, which is heard of next, and the call waits for another one.
      if error.errno == EPIPE || error.errno == ECONNRESET, call.attempts < Self.mostAttempts { return }
      let sentence = "the request cannot be handed to openstarry-model: \(error)"
      loop.later { [weak self] in self?.end(id, LanguageModelFailure(.lost, wasSent: false, sentence)) }
    }
  }

  private func hear(_ message: LanguageModelMessage) {
    switch message {
    case .text(let id, let text): bring(id, text.count) { .text(String(decoding: text, as: UTF8.self)) }
    case .toolCall(let id, let index, let callID, let name):
      bring(id, callID.count + name.count) {
        .toolCall(
          index: Int(index), id: String(decoding: callID, as: UTF8.self), name: String(decoding: name, as: UTF8.self))
      }
    case .arguments(let id, let index, let text):
      bring(id, text.count) { .arguments(index: Int(index), String(decoding: text, as: UTF8.self)) }
    case .answered(let id, let finish, let usage):
      end(id, .answered(finish: String(decoding: finish, as: UTF8.self), usage: usage))
    case .failed(let id, let failure): end(id, .failed(failure))
    case .accepted(let id): calls[id]?.isAccepted = true
    case .ask, .cancel: break
    }
  }

  private func bring(_ id: UInt32, _ count: Int, _ news: () -> News) {
    guard let call = calls[id] else { return }
    call.received += count
    // The gateway holds the limit itself; a broken byte of the server becomes three here.
    guard call.received <= 3 * Int(call.request.longest) + LanguageModelMessage.longest else {
      companion.tell(.cancel(id: id), expectsAnswer: false)
      return end(id, LanguageModelFailure(.tooLong, status: 200, wasSent: true, "the answer is longer than it may be"))
    }
    call.hear(news())
  }

  private func end(_ id: UInt32, _ failure: LanguageModelFailure) { end(id, .failed(failure)) }

  private func end(_ id: UInt32, _ news: News) {
    guard let call = calls.removeValue(forKey: id) else { return }
    if calls.isEmpty { companion.release() }
    call.hear(news)
  }

  /// Fails the calls that the gateway had; those that wait go to the next gateway. A call that the gateway had not accepted is
  /// not charged.
  private func lose(_ reason: String) {
    for (id, call) in calls.sorted(by: { $0.key < $1.key }) where call.body == nil {
      let sentence = "openstarry-model was lost during the call: \(reason)"
      end(id, LanguageModelFailure(.lost, wasSent: call.isAccepted, sentence))
    }
  }

  private func failWaiting(_ error: SystemError) {
    let reason = absence ?? "openstarry-model cannot be started: \(error)"
    for id in calls.keys.sorted() { end(id, LanguageModelFailure(.absent, wasSent: false, reason)) }
  }
}
