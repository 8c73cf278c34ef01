import Model
import RPC
import Testing

/// W3C Trace Context, level 1: `traceparent`.
@Suite struct TraceParentTests {
  @Test func isTheTraceAndTheSpan() throws {
    let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let parent = try #require(TraceParent(text))
    #expect(parent.trace == ULID(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c))
    #expect(parent.span == ULID(high: 0, low: 0xb7ad_6b71_6920_3331))
    #expect(parent.text == text)
    #expect(TraceParent("00-00000000000000000000000000000001-0000000000000001-00")?.text.hasSuffix("1-01") == true)
    // A later version may say more.
    #expect(TraceParent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more") != nil)
  }

  @Test(arguments: [
    "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
    "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
    "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
    " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ])
  func isNothingElse(text: String) { #expect(TraceParent(text) == nil) }
}
