import LanguageModel
import Model
import OpenStarryAgent

/// What a server says about an error, in any of the forms that are in use: `{"error": {"message", "type", "code"}}`,
/// `{"error": text}`, `{"message"}`, `{"detail"}`, or text.
struct ServerError {
  /// The server's sentence; empty when there is none.
  let message: [UInt8]
  /// Whether the request is longer than the model's context.
  let isContextExceeded: Bool

  /// The longest body of an error that is read.
  static let longest = 65_536

  /// An error as JSON; nil when the value is none.
  init?(_ value: Value) {
    if let error = value["error"], error != .null {
      self.init(body: error)
    } else if value["object"]?.string == "error" {
      self.init(body: value)
    } else {
      return nil
    }
  }

  /// The body of an answer with an error's status.
  init(body bytes: [UInt8]) {
    if let value = try? JSONText.read(bytes) {
      self = ServerError(value) ?? ServerError(body: value)
    } else {
      (message, isContextExceeded) = (bytes, false)
    }
  }

  private init(body: Value) {
    let text = body.string ?? body["message"]?.string ?? body["detail"]?.string
    message = text.map { Array($0.utf8) } ?? JSONText.write(body)
    let words = [body["type"], body["code"]].compactMap { $0?.string }
    // Of llama.cpp and of OpenAI; vLLM only says so in its sentence.
    isContextExceeded =
      words.contains { $0 == "exceed_context_size_error" || $0 == "context_length_exceeded" }
      || text?.holds("maximum context length") == true
  }
}
