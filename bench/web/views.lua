-- Page views as browsers make them that have never been here: the page, then all its files, in turn.
-- wrk -s views.lua URL -- RATE ADDRESS...: so many requests a second, as quickly as it goes with 0.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } moment; int gettimeofday(moment *now, void *zone);")
local moment = ffi.new("moment")
local languages = { "ja", "en-GB,en;q=0.9", "ja,en-US;q=0.9,en;q=0.8", "vi,ja;q=0.8", "pt-BR", "zh-CN,zh;q=0.9" }
local asked, turn, rate, due = {}, 0, 0, 0

local function now_ms()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.s) * 1000 + tonumber(moment.us) / 1000
end

function init(arguments)
  rate = tonumber(arguments[1])
  for _, language in ipairs(languages) do
    for i = 2, #arguments do
      local headers = { ["Accept-Encoding"] = "gzip, deflate, br, zstd", ["Accept-Language"] = language }
      asked[#asked + 1] = wrk.format("GET", arguments[i], headers)
    end
  end
  due = now_ms()
  if rate == 0 then delay = nil end
end

function request()
  turn = turn % #asked + 1
  return asked[turn]
end

function delay()
  due = math.max(due + 1000 / rate, now_ms() - 100)
  return math.max(0, math.floor(due - now_ms()))
end
