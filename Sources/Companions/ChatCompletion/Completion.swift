import LanguageModel
import Model
import OpenStarryAgent

/// A piece of an answer, in the order in which the server sends it.
package enum Piece: Equatable, Sendable {
  case text(String)
  /// A call of a tool begins.
  case toolCall(index: Int, id: String, name: String)
  /// A part of its arguments, which are JSON text.
  case arguments(index: Int, String)
}

/// A chat completion of the OpenAI-compatible API, either in chunks or as one object.
struct Completion {
  /// Why the answer has ended; nil as long as it has not.
  private(set) var finish: String?
  /// The last usage that makes sense.
  private(set) var usage: LanguageModelUsage?
  /// Whether there was any choice, so that this is an answer at all.
  private(set) var hasChoice = false
  /// The calls that have begun, by the server's index.
  private var calls: [Int: Call] = [:]
  private let quotation: Quotation

  private struct Call {
    var id: String
  }

  /// The most calls in one answer, the indices that they may have, and the longest identifier and name of a tool.
  private static let mostCalls = 128
  private static let indices: Range<Int64> = 0..<1024
  private static let longestName = 128

  init(_ quotation: Quotation) { self.quotation = quotation }

  /// Reads one chunk, or the whole object.
  /// - Parameter isWhole: whether it must have a choice.
  mutating func read(_ bytes: [UInt8]) throws(Flaw) -> [Piece] {
    let value: Value
    do throws(AgentError) {
      value = try JSONText.read(Self.repaired(bytes))
    } catch {
      throw Flaw(
        .malformed, "the server sends what is no JSON (\(quotation("\(error)".utf8)))\(quotation.after(bytes))")
    }
    if let error = ServerError(value) {
      throw Flaw(
        error.isContextExceeded ? .contextExceeded : .errorInStream,
        "the server broke off its answer\(quotation.after(error.message))")
    }
    if let usage = Self.usage(value["usage"]) { self.usage = usage }
    guard let choices = value["choices"]?.list else {
      // A usage alone is fine.
      guard case .map? = value["usage"] else {
        throw Flaw(.malformed, "the server sends JSON without 'choices'\(quotation.after(bytes))")
      }
      return []
    }
    var pieces: [Piece] = []
    for choice in choices where choice["index"]?.int ?? 0 == 0 { try read(choice, &pieces) }
    return pieces
  }

  private mutating func read(_ choice: Value, _ pieces: inout [Piece]) throws(Flaw) {
    hasChoice = true
    if let message = choice["delta"] ?? choice["message"] {
      if let text = Self.text(message["content"]) ?? message["refusal"]?.string, !text.isEmpty {
        pieces.append(.text(text))
      }
      for (place, call) in (message["tool_calls"]?.list ?? []).enumerated() { try read(call, place, &pieces) }
    }
    if let reason = choice["finish_reason"]?.string {
      finish = String(decoding: Array(quotation(reason.utf8).utf8).scalarPrefix(32), as: UTF8.self)
    }
  }

  /// A text, or the texts of a list of parts.
  private static func text(_ content: Value?) -> String? {
    if let text = content?.string { return text }
    guard let parts = content?.list else { return nil }
    return parts.compactMap { $0["text"]?.string }.joined()
  }

  private mutating func read(_ call: Value, _ place: Int, _ pieces: inout [Piece]) throws(Flaw) {
    let id = call["id"]?.string ?? ""
    let index = try index(call, id, place)
    let function = call["function"]
    if calls[index] == nil {
      let name = function?["name"]?.string ?? ""
      guard !name.isEmpty, Self.isName(name), Self.isName(id) else {
        throw Flaw(.malformed, "the server sends a call of a tool without a usable name\(quotation.after(name.utf8))")
      }
      guard calls.count < Self.mostCalls else {
        throw Flaw(.malformed, "the server sends more than \(Self.mostCalls) calls of tools in one answer")
      }
      calls[index] = Call(id: id)
      // A conversation needs an identifier to answer to.
      pieces.append(.toolCall(index: index, id: id.isEmpty ? "call_\(index)" : id, name: name))
    }
    switch function?["arguments"] {
    case .string(let text)?: if !text.isEmpty { pieces.append(.arguments(index: index, text)) }
    case .map(let fields)?:
      // Not as the API has it, and not to be misunderstood.
      pieces.append(.arguments(index: index, String(decoding: JSONText.write(.map(fields)), as: UTF8.self)))
    default: break
    }
  }

  private func index(_ call: Value, _ id: String, _ place: Int) throws(Flaw) -> Int {
    let index = call["index"].map(\.int) ?? Int64(implicitIndex(id, place))
    guard let index, Self.indices.contains(index) else {
      throw Flaw(.malformed, "the server sends a call of a tool with an index that is none")
    }
    return Int(index)
  }

  /// Some servers leave the index out; then a new identifier is a new call.
  private func implicitIndex(_ id: String, _ place: Int) -> Int {
    if !id.isEmpty, let known = calls.first(where: { $0.value.id == id }) { return known.key }
    return id.isEmpty ? place : (calls.keys.max() ?? -1) + 1
  }

  private static func isName(_ text: String) -> Bool {
    text.utf8.count <= longestName && text.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
  }

  private static func usage(_ value: Value?) -> LanguageModelUsage? {
    func count(_ value: Value?) -> UInt32? { value?.int.flatMap { UInt32(exactly: $0) } }
    guard let value, let prompt = count(value["prompt_tokens"]), let completion = count(value["completion_tokens"])
    else { return nil }
    let cached = count(value["prompt_tokens_details"]?["cached_tokens"]) ?? 0
    return LanguageModelUsage(prompt: prompt, completion: completion, cached: min(cached, prompt))
  }

  /// Broken UTF-8 becomes U+FFFD, and so does an escaped zero, which texts here do not have: a wrong character is better
  /// than a lost answer that has been paid for.
  private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    let text =
      String(validating: bytes, as: UTF8.self) == nil ? Array(String(decoding: bytes, as: UTF8.self).utf8) : bytes
    let zero = Array("\\u0000".utf8)
    guard let first = text.firstIndex(of: zero[0]) else { return text }
    var plain = Array(text[..<first])
    var rest = text[first...]
    while let byte = rest.first {
      if byte == zero[0], rest.starts(with: zero) {
        plain += Array("\\ufffd".utf8)
        rest = rest.dropFirst(zero.count)
      } else {
        // A backslash belongs to what follows it.
        let count = byte == zero[0] ? min(2, rest.count) : 1
        plain += rest.prefix(count)
        rest = rest.dropFirst(count)
      }
    }
    return plain
  }
}
