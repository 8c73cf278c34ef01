import TestKit

/// The inputs that are changed to make others: the corpus, and what has led further since.
public final class Pool {
  private(set) var inputs: [[UInt8]]
  private var marks: Set<UInt64> = []
  /// How many inputs are kept at most; then a new one takes the place of another.
  private static let most = 4096

  /// Begins with a corpus.
  public init(_ inputs: [[UInt8]]) { self.inputs = inputs }

  /// How many different things all inputs have led to.
  public var reach: Int { marks.count }

  /// How many inputs there are.
  public var count: Int { inputs.count }

  /// One of them; empty when there is none.
  func any(_ random: inout SeededGenerator) -> [UInt8] {
    // What has led further of late leads further more often than what has been changed a thousand times.
    let isNew = Bool.random(using: &random) && inputs.count > 32
    return (isNew ? inputs.suffix(inputs.count / 8) : inputs[...]).randomElement(using: &random) ?? []
  }

  /// Notes what an input has led to.
  /// - Returns: whether anything of it is new; then the input is kept.
  public func add(_ input: [UInt8], _ seen: Seen, _ random: inout SeededGenerator) -> Bool {
    let before = marks.count
    marks.formUnion(seen.marks)
    guard marks.count > before else { return false }
    if inputs.count < Self.most {
      inputs.append(input)
    } else {
      inputs[Int.random(in: 0..<inputs.count, using: &random)] = input
    }
    return true
  }

  /// Notes what an input of the corpus leads to; it is there already.
  public func know(_ seen: Seen) { marks.formUnion(seen.marks) }
}
