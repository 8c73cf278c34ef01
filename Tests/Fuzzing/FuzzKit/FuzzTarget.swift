import TestKit

/// One border over which the daemon takes what others have written: how inputs for it are made, and what must hold
/// whatever they are.
public protocol FuzzTarget: AnyObject {
  /// As `make fuzz TARGET=name` says it, and the folder of its corpus.
  var name: String { get }
  /// How its inputs stand in files.
  var form: InputForm { get }
  /// Bytes of the longest input that is made.
  var longest: Int { get }
  /// What the format has words for.
  var words: [String] { get }
  /// What is left out on this machine; nil when nothing is.
  var limitation: String? { get }
  /// Inputs to begin with, beside the corpus: those that are made, or are elsewhere in the repository.
  func seeds() throws -> [[UInt8]]
  /// An input that the format's own rules make, from nothing or from one of `pool`; nil leaves it to `ByteMutator`.
  func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]?
  /// Takes one input through the border.
  /// - Parameter seen: notes what is new about it, so that inputs which lead further are kept and changed again.
  /// - Throws: what must hold and does not. A trap, too much time or memory end the process: `Runner` sees to those.
  func run(_ input: [UInt8], _ seen: inout Seen) throws
}

extension FuzzTarget {
  public var form: InputForm { .text }
  public var longest: Int { 4096 }
  public var limitation: String? { nil }
  public func seeds() throws -> [[UInt8]] { [] }
  public func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? { nil }
}

/// What must hold, and does not.
public struct Violation: Error, CustomStringConvertible {
  /// What is wrong, in a sentence.
  public var description: String
  /// Says what is wrong.
  public init(_ description: String) { self.description = description }
}

/// Throws unless something holds.
func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
  if !holds { throw Violation(otherwise()) }
}

/// What one input has led to, as numbers: texts of messages without what they quote, and in an instrumented build the
/// edges of the code.
public struct Seen: Hashable {
  /// Each once.
  public private(set) var marks: Set<UInt64> = []

  /// Nothing.
  public init() {}

  /// One text.
  public init(_ text: String) { note(text) }

  /// Notes something; what is quoted and what is counted in it makes no difference.
  public mutating func note(_ text: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var isQuoted = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "'") { isQuoted.toggle() }
      if isQuoted || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { continue }
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    marks.insert(hash)
  }

  /// Notes an edge that was taken, and about how often.
  mutating func note(edge: Int, count: UInt8) {
    marks.insert(1 << 63 | UInt64(edge) << 8 | UInt64(UInt8.bitWidth - count.leadingZeroBitCount))
  }
}

/// Every target, in the order in which they run.
public enum FuzzTargets {
  /// Makes them.
  /// - Parameters:
  ///   - folder: where those that need files may write, one after the other.
  ///   - program: one that compiles modules and is an agent when it is asked to; by default this one.
  ///   - guardian: openstarry-guardian; nil leaves that target at packets.
  public static func all(in folder: String, program: String = "/proc/self/exe", guardian: String?) -> [any FuzzTarget] {
    [
      ConfigTarget.board(), ConfigTarget.agent(), ConfigTarget.rules(), ConfigTarget.settings(), CELTarget(),
      CBORTarget(), ControlTarget(folder: folder), GuardianTarget(folder: folder, program: guardian),
      ProcessTarget(program: program), ModuleTarget(folder: folder, program: program),
    ]
  }
}
