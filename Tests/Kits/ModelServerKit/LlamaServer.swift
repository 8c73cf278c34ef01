import Glibc
import Linux
import TestKit

/// A real llama.cpp server with the model of `Tests/Companions/LanguageModel/reflex.py`, one for all tests of this process.
/// It answers one request at a time.
///
/// To a prompt with the word `hot` it calls the tool `set_fan`, to one with `dry` `read_sensor`, if there are tools;
/// otherwise it says `sentence`, and to `RAMBLE` something that does not end.
package enum LlamaServer {
  /// What it says.
  package static let sentence = " Done: the greenhouse is fine now."

  /// Why there is none on this machine; nil when there is.
  package static let absence: String? = {
    switch made {
    case .success: nil
    case .failure(let complaint): complaint.text
    }
  }()

  /// The URL of its chat completions.
  package static var url: String {
    let path = (try? made.get()).map { "\($0.path)/socket.sock" } ?? ""
    return "http+unix://\(path.split(separator: "/").map { "%2F\($0)" }.joined())/v1/chat/completions"
  }

  /// The lines of its log.
  package static var log: String {
    guard case .success(let folder) = made, let bytes = try? folder.bytes("log") else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  private struct Complaint: Error { let text: String }

  private static let made: Result<TemporaryFolder, Complaint> = {
    do {
      let folder = try TemporaryFolder()
      _ = unsafe chmod(folder.path, 0o755)
      let program = Repository.path(".ci/model-server")
      guard try Spawn.wait(for: Spawn.start(SpawnPlan(program, [program, folder.path, "\(getpid())"]))) == 0 else {
        let log = String(decoding: (try? folder.bytes("log")) ?? [], as: UTF8.self)
        return .failure(Complaint(text: "no llama.cpp server starts here: \(log.split(separator: "\n").last ?? "")"))
      }
      atexit { LlamaServer.end() }
      return .success(folder)
    } catch {
      return .failure(Complaint(text: "\(error)"))
    }
  }()

  /// The server ends with this process; its folder has to be removed.
  private static func end() {
    if case .success(let folder) = made { TemporaryFolder.remove(folder.path) }
  }
}
