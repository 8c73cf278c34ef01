import LanguageModel
import TestKit
import Testing

/// The protocol between daemon and gateway as bytes.
@Suite struct MessageTests {
  private static let limits = LanguageModelLimits(connect: 1, firstByte: 2, idle: 3, total: 4)
  static let all: [LanguageModelMessage] =
    [
      .ask(id: 7, LanguageModelRequest(url: "https://a.example/v1/chat/completions", key: "cloud", limits: limits)),
      .ask(id: .max, LanguageModelRequest(url: "", longest: .max)), .cancel(id: 2), .accepted(id: 3),
      .text(id: 4, Array("größer".utf8)), .text(id: 4, [UInt8](repeating: 0x61, count: 4096)),
      .toolCall(id: 5, index: 1, callID: Array("call_1".utf8), name: Array("set_fan".utf8)),
      .arguments(id: 5, index: 1, Array("{\"level\":".utf8)),
      .answered(id: 6, finish: Array("stop".utf8), LanguageModelUsage(prompt: 1, completion: .max, cached: 3)),
      .answered(id: 6, finish: [], nil),
      .failed(id: 8, LanguageModelFailure(.refused, status: 429, retryAfter: 0, wasSent: true, "429: later")),
    ]
    + LanguageModelFailure.Kind.plain.map { .failed(id: 9, LanguageModelFailure($0, wasSent: false, "ü")) }
    + LanguageModelFailure.Limit.allCases.map {
      .failed(id: 10, LanguageModelFailure(.timedOut($0), wasSent: true, ""))
    }

  @Test(arguments: all.indices) func comesBackAsItWas(_ index: Int) {
    let message = Self.all[index]
    #expect(LanguageModelMessage(message.bytes) == message)
    #expect(message.bytes.count <= LanguageModelMessage.longest)
  }

  @Test(arguments: all.indices) func cutAnywhereItIsNoMessage(_ index: Int) {
    let bytes = Self.all[index].bytes
    for length in 0..<bytes.count { #expect(LanguageModelMessage(Array(bytes.prefix(length))) == nil) }
  }

  @Test func anythingBetweenTwoProgramsComesBack() {
    var random = SeededGenerator(15)
    func text(_ count: ClosedRange<Int>) -> String {
      String(decoding: random.bytes(count), as: UTF8.self)
    }
    for _ in 0..<2000 {
      let number = UInt32.random(in: 0 ... .max, using: &random)
      let piece = Array(random.bytes(0...4096))
      let messages: [LanguageModelMessage] = [
        .ask(
          id: number,
          LanguageModelRequest(
            url: text(0...600), key: text(0...300),
            limits: LanguageModelLimits(connect: number, firstByte: number / 2, idle: number / 3, total: 0),
            longest: number)),
        .text(id: number, piece), .arguments(id: number, index: UInt16(truncatingIfNeeded: number), piece),
        .toolCall(
          id: number, index: .max, callID: random.bytes(0...255), name: random.bytes(0...255)),
        .failed(id: number, LanguageModelFailure(.malformed, status: .max, retryAfter: .max, wasSent: true, "x")),
      ]
      for message in messages { #expect(LanguageModelMessage(message.bytes) == message) }
    }
  }

  @Test func damagedBytesNeverTrap() {
    var random = SeededGenerator(16)
    for message in Self.all {
      for _ in 0..<1000 {
        var bytes = message.bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        }
        if let read = LanguageModelMessage(bytes) { #expect(LanguageModelMessage(read.bytes) == read) }
      }
    }
  }

  /// A sentence is cut between two characters, and what is too long for a field never spoils the message.
  @Test func aLongSentenceIsCutBetweenCharacters() throws {
    let sentence = String(repeating: "ä", count: 500)
    let bytes = LanguageModelMessage.failed(id: 1, LanguageModelFailure(.lost, wasSent: true, sentence)).bytes
    guard case .failed(_, let failure)? = LanguageModelMessage(bytes) else {
      Issue.record("no failure")
      return
    }
    #expect(failure.sentence == String(repeating: "ä", count: LanguageModelFailure.longestSentence / 2))
  }

  /// PROCESSES.md 3, 5: a server that refuses has done nothing; everything else may have cost tokens.
  @Test func whatMayHaveCostTokensIsCharged() {
    func isCharged(_ status: UInt16, _ wasSent: Bool) -> Bool {
      LanguageModelFailure(.refused, status: status, wasSent: wasSent, "").isCharged
    }
    for status: UInt16 in [400, 401, 404, 413, 429, 503] { #expect(!isCharged(status, true)) }
    for status: UInt16 in [0, 200, 302, 500, 502, 504] { #expect(isCharged(status, true) && !isCharged(status, false)) }
  }
}
