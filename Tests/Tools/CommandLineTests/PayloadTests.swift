import Model
import TestKit
import Testing

@testable import CommandLine

struct PayloadTests {
  @Test(arguments: [
    ("a=true", Value.bool(true)), ("a=false", false), ("a=null", nil), ("a=12", 12), ("a=-3", -3), ("a=0", 0),
    ("a=1.5", 1.5), ("a=1e3", 1000.0), ("a=-0.5E-1", -0.05), ("a=9223372036854775807", .int(.max)),
    ("a=main", "main"), ("a=9223372036854775808", "9223372036854775808"), ("a=", ""), ("a=x=y", "x=y"),
    ("a=True", "True"), ("a=007", "007"), ("a=+5", "+5"),
    ("a=.5", ".5"), ("a=5.", "5."), ("a=1e", "1e"), ("a=nan", "nan"), ("a=inf", "inf"), ("a=0x10", "0x10"),
    ("a=1e999", "1e999"), ("a=-", "-"), ("a= 1", " 1"), ("a=1_000", "1_000"), ("a=Ünï", "Ünï"),
    ("a={\"b\":[1,null]}", Value.map(["b": .list([1, nil])])), ("a=[1,\"x\"]", Value.list([1, "x"])),
    ("a=\"12\"", "12"), ("a=[oops", "[oops"),
    ("a={not json}", "{not json}"), ("a:=12", 12), ("a:=\"12\"", "12"), ("a:={}", Value.map([:])), ("a==12", "12"),
    ("a==true", "true"), ("a==", ""),
  ])
  func valuesAreTyped(argument: String, value: Value) throws {
    let field = try PayloadArgument.field(argument)
    #expect(field.key == "a")
    #expect(field.value == value)
  }

  @Test(arguments: ["a", "", "=1", ":=1", "a:=oops", "a:=", "a:=1 2"])
  func invalidArgumentsAreUsageErrors(argument: String) {
    let failure = #expect(throws: Failure.self) { try PayloadArgument.field(argument) }
    #expect(failure?.status == .usage)
    #expect(failure.map { !$0.message.isEmpty } == true)
  }

  @Test func namesAreUnique() throws {
    #expect(try PayloadArgument.fields(["a=1", "b=x"]) == ["a": 1, "b": "x"])
    #expect(throws: Failure(.usage, "'a' is given twice")) { try PayloadArgument.fields(["a=1", "a=2"]) }
  }

  /// Numbers keep their value, and everything else is unchanged text.
  @Test func numbersAndTextsRoundTrip() throws {
    var random = SeededGenerator(11)
    let alphabet = Array("0123456789.-+eEtrufalsn_ xé")
    for _ in 0..<5000 {
      let text = String((0..<Int(random.next() % 8)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
      switch PayloadArgument.value(text) {
      case .string(let string): #expect(string == text)
      case .int(let number): #expect("\(number)" == text || text == "-0")
      case .double(let number): #expect(Double(text) == number && number.isFinite)
      case .bool, .null: #expect(["true", "false", "null"].contains(text))
      default: Issue.record("'\(text)' became something else")
      }
    }
  }
}
