import Model
import Testing

@Suite struct LimitTextTests {
  @Test func limitsAreParsed() throws {
    #expect(try TokenLimit.tokens("10k/h") == TokenLimit(.tokens, 10_000, per: .seconds(3600)))
    #expect(try TokenLimit.tokens("200k/d") == TokenLimit(.tokens, 200_000, per: .seconds(86_400)))
    #expect(try TokenLimit.tokens("5M") == TokenLimit(.tokens, 5_000_000))
    #expect(try TokenLimit.tokens("500/10m") == TokenLimit(.tokens, 500, per: .seconds(600)))
    #expect(try TokenLimit.money("0.50/d") == TokenLimit(.money, 500_000, per: .seconds(86_400)))
    #expect(try TokenLimit.money("20") == TokenLimit(.money, 20_000_000))
    // 0.1 has no exact binary fraction.
    #expect(try TokenLimit.money("0.000001").amount == 1)
    #expect(try TokenLimit.money("1234567.1").amount == 1_234_567_100_000)
  }

  @Test(arguments: [
    "", "k", "10x/h", "10k/", "10k/w", "-5", "1.5", "10k/0s", "10k/1ms", "1/2/3", "10k/h ", "0x10", "1e3", "nan", "/h",
    "99999999999999999999", "５",
  ])
  func badLimitsAreRefused(_ text: String) {
    #expect { try TokenLimit.tokens(text) } throws: { error in
      ((error as? TokenLimitError)?.message ?? "").hasPrefix("'\(text)'")
    }
  }

  @Test(arguments: ["", ".", "1.", ".5", "0.0000001", "-1", "1,5", "1/w", "€5", "99999999999999", "1e3", "+1", "１"])
  func badMoneyIsRefused(_ text: String) {
    #expect { try TokenLimit.money(text) } throws: { error in
      ((error as? TokenLimitError)?.message ?? "").hasPrefix("'\(text)'")
    }
  }

  @Test func listsNameTheWrongText() throws {
    let limits = try TokenLimits(.list([.string("10k/h"), .string("5M")]), .tokens)
    #expect(limits.all.map(\.description) == ["10000 tokens in 1h", "5000000 tokens in total"])
    #expect(try TokenLimits(.string("0.50/d"), .money).all.map(\.description) == ["0.5 in 1d"])
    func failure(_ value: Value) -> TokenLimitError? {
      do throws(TokenLimitError) {
        _ = try TokenLimits(value, .tokens)
        return nil
      } catch { return error }
    }
    #expect(failure(.list([.string("10k/h"), .string("many")]))?.index == 1)
    #expect(failure(.list([.string("10k/h"), .int(3)]))?.index == 1)
    #expect(failure(.int(3))?.message == "a limit is a text or a list of texts; write '10k/h' or ['10k/h', '200k/d']")
    let twice = failure(.list([.string("10k/h"), .string("1k/d"), .string("5k/60m")]))
    #expect(twice?.index == 2)
    #expect(twice?.message == "'5k/60m' and '10k/h' both limit what is used within 1h; keep one")
  }

  @Test func extremesAreClamped() {
    #expect(TokenLimit(.tokens, -3).amount == 0)
    #expect(TokenLimit(.tokens, .max).amount == 1 << 60)
    #expect(TokenLimit(Rate(count: 5, per: .nanoseconds(1))).per == .seconds(1))
    #expect(TokenLimit.text(-1_500_000, .money) == "-1.5")
    #expect(TokenLimit.text(1_000_001, .money) == "1.000001")
  }
}
