import EventLoop
import EventLoopTestKit
import Glibc
import LanguageModel
import LanguageModelClient
import Linux
import Model
import ModelServerKit
import TestKit

/// The daemon's side of the gateway: a loop, and a link to the real program.
final class Room {
  let loop: EventLoop
  let link: LanguageModelLink
  private let folder: TemporaryFolder

  /// - Parameter setup: lines of a shell script that run before the program, as a unit's environment would.
  init(setup: String = "") throws {
    loop = try EventLoop()
    folder = try TemporaryFolder()
    _ = unsafe chmod(folder.path, 0o755)
    var program = Beside.path("openstarry-model")
    if !setup.isEmpty {
      try folder.write("start", "#!/bin/sh\n\(setup)\nexec '\(program)'\n")
      program = "\(folder.path)/start"
      _ = unsafe chmod(program, 0o755)
    }
    link = LanguageModelLink(loop, socket: nil, program: program)
  }

  deinit { link.close() }

  /// The path of a file that the gateway may read: it gives up root's rights when it has them.
  func keyFile(_ name: String, _ content: String, mode: UInt32 = 0o600) throws -> String {
    try folder.write(name, content)
    let path = "\(folder.path)/\(name)"
    _ = unsafe chmod(path, mode)
    if geteuid() == 0 { _ = unsafe chown(path, 65534, 65534) }
    return path
  }

  var path: String { folder.path }

  /// Asks, and turns the loop until the call is over.
  func ask(
    _ url: String, key: String = "", limits: LanguageModelLimits = .patient, longest: UInt32 = 1 << 20,
    body: [UInt8] = Array("{}".utf8)
  ) -> Call {
    let call = begin(url, key: key, limits: limits, longest: longest, body: body)
    finish(call)
    return call
  }

  func begin(
    _ url: String, key: String = "", limits: LanguageModelLimits = .patient, longest: UInt32 = 1 << 20,
    body: [UInt8] = Array("{}".utf8)
  ) -> Call {
    let call = Call()
    let request = LanguageModelRequest(url: url, key: key, limits: limits, longest: longest)
    call.id = link.ask(request, body: body) { call.news.append($0) }
    return call
  }

  func finish(_ call: Call) { loop.run { call.isOver } }
}

/// What a call has brought.
final class Call {
  var id: UInt32 = 0
  var news: [LanguageModelLink.News] = []

  var isOver: Bool {
    switch news.last {
    case .answered?, .failed?: true
    default: false
    }
  }

  var text: String {
    news.map { if case .text(let text) = $0 { text } else { "" } }.joined()
  }

  func arguments(_ index: Int) -> String {
    news.map { if case .arguments(index, let text) = $0 { text } else { "" } }.joined()
  }

  var tools: [String] {
    news.compactMap { if case .toolCall(let index, let id, let name) = $0 { "\(index) \(id) \(name)" } else { nil } }
  }

  var finish: String? { if case .answered(let finish, _)? = news.last { finish } else { nil } }
  var usage: LanguageModelUsage? { if case .answered(_, let usage)? = news.last { usage } else { nil } }
  var failure: LanguageModelFailure? { if case .failed(let failure)? = news.last { failure } else { nil } }
}

extension LanguageModelLimits {
  /// Longer than any test takes on a busy machine.
  static let patient = LanguageModelLimits(connect: 60_000, firstByte: 60_000, idle: 60_000, total: 120_000)
}
