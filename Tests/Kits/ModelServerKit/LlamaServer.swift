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
  package static var absence: String? { reflex.absence }

  /// The URL of its chat completions.
  package static var url: String { reflex.url }

  /// The lines of its log.
  package static var log: String { reflex.log }

  private static let reflex = Running(model: "reflex")

  /// The same server with a real language model, small and without judgement.
  package enum SmolLM2 {
    /// Why there is none: its file is large, and is fetched only if somebody asks for that.
    package static let absence: String? = {
      let cache = Environment.current()["XDG_CACHE_HOME"] ?? "\(Environment.current()["HOME"] ?? "")/.cache"
      let isWanted = Environment.current()["OPENSTARRY_SMOLLM2"] == "1"
      guard isWanted || Files.isFile("\(cache)/openstarry/llama/smollm2-0.1.2.gguf") else {
        return "SmolLM2 has 93 MB: OPENSTARRY_SMOLLM2=1 fetches it"
      }
      return running.absence
    }()

    /// The URL of its chat completions.
    package static var url: String { running.url }

    private static let running = Running(model: "smollm2")
  }

  /// One server, from its first use to the end of this process.
  private final class Running: Sendable {
    private struct Complaint: Error { let text: String }

    private let made: Result<TemporaryFolder, Complaint>

    init(model: String) {
      made = Self.start(model)
      if case .success(let folder) = made { LlamaServer.remove(atEnd: folder.path) }
    }

    var absence: String? {
      switch made {
      case .success: nil
      case .failure(let complaint): complaint.text
      }
    }

    var url: String {
      let path = (try? made.get()).map { "\($0.path)/socket.sock" } ?? ""
      return "http+unix://\(path.split(separator: "/").map { "%2F\($0)" }.joined())/v1/chat/completions"
    }

    var log: String {
      guard case .success(let folder) = made, let bytes = try? folder.bytes("log") else { return "" }
      return String(decoding: bytes, as: UTF8.self)
    }

    private static func start(_ model: String) -> Result<TemporaryFolder, Complaint> {
      do {
        let folder = try TemporaryFolder()
        _ = unsafe chmod(folder.path, 0o755)
        let program = Repository.path(".ci/model-server")
        var plan = SpawnPlan("/usr/bin/env", ["env", "MODEL=\(model)", program, folder.path, "\(getpid())"])
        plan.ownSession = true
        guard try Spawn.wait(for: Spawn.start(plan)) == 0 else {
          let log = String(decoding: (try? folder.bytes("log")) ?? [], as: UTF8.self)
          return .failure(Complaint(text: "no llama.cpp server starts here: \(log.split(separator: "\n").last ?? "")"))
        }
        return .success(folder)
      } catch {
        return .failure(Complaint(text: "\(error)"))
      }
    }
  }

  private nonisolated(unsafe) static var folders: [String] = []

  /// A server ends with this process; its folder has to be removed.
  private static func remove(atEnd folder: String) {
    unsafe folders.append(folder)
    atexit { for folder in unsafe LlamaServer.folders { TemporaryFolder.remove(folder) } }
  }
}
