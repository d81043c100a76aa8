"""Names and short forms of the months, by language, and the folding of a text that makes them findable.

Source: Unicode CLDR (https://cldr.unicode.org), forms within a date and alone; and short forms that feeds use.
"""

import re
import unicodedata

# By language: the names of the twelve months; "_" is a space in one, "-" says that a language above has them all.
_NAMES = {
    "en": (
        "january jan, february feb, march mar, april apr, may, june jun, july jul, august aug, september sep sept, "
        "october oct, november nov, december dec"
    ),
    "de": (
        "januar jänner jaenner, februar feber febr, märz maerz mrz, -, mai, juni juno, juli, -, -, oktober okt, -, "
        "dezember dez"
    ),
    "fr": (
        "janvier janv, février févr fév, mars, avril avr, -, juin, juillet juil juill, août aoû, septembre, "
        "octobre, novembre, décembre"
    ),
    "es": (
        "enero ene, febrero, marzo, abril abr, mayo, junio, julio, agosto ago agto, septiembre setiembre, octubre, "
        "noviembre, diciembre dic"
    ),
    "it": (
        "gennaio gen genn, febbraio febbr, -, aprile, maggio mag magg, giugno giu, luglio lug, -, settembre set "
        "sett, ottobre ott, -, dicembre"
    ),
    "pt": "janeiro, fevereiro, março, -, maio, junho, julho, -, setembro, outubro out, novembro, dezembro",
    "nl": "januari, februari, maart mrt maa, -, mei, -, -, augustus, -, -, -, -",
    "sv": "-, -, -, -, maj, -, -, augusti, -, -, -, -",
    "da": "-, -, marts, -, -, -, -, -, -, -, -, -",
    "nb": "-, -, -, -, -, -, -, -, -, -, -, desember des",
    "is": "-, -, -, -, -, -, -, ágúst ágú, -, -, -, -",
    "fi": (
        "tammikuuta tammi tammikuu tam, helmikuuta helmi helmikuu hel, maaliskuuta maalis maaliskuu, huhtikuuta "
        "huhti huhtikuu huh, toukokuuta touko toukokuu tou, kesäkuuta kesä kesäkuu kes, heinäkuuta heinä heinäkuu "
        "hei, elokuuta elo elokuu, syyskuuta syys syyskuu syy, lokakuuta loka lokakuu lok, marraskuuta marras "
        "marraskuu, joulukuuta joulu joulukuu jou"
    ),
    "et": "jaanuar jaan, veebruar veebr veb, -, aprill, -, juuni, juuli, -, -, oktoober, -, detsember dets det",
    "lv": (
        "janvāris janvāra janvārī, februāris februāra, marta, aprīlis aprīļa aprīlī, maijs maija, jūnijs jūnija, "
        "jūlijs jūlija, augusts augusta, septembris septembra septembrī, oktobris oktobra oktobrī, novembris "
        "novembra novembrī, decembris decembra decembrī"
    ),
    "lt": (
        "sausio saus sausis sau, vasario vas vasaris, kovo kov kovas, balandžio bal balandis, gegužės geg gegužė, "
        "birželio birž birželis bir, liepos liep liepa lie, rugpjūčio rugp rugpjūtis rgp, rugsėjo rugs rugsėjis "
        "rgs, spalio spal spalis spa, lapkričio lapkr lapkritis lap, gruodžio gruod gruodis"
    ),
    "pl": (
        "stycznia sty styczeń stycz, lutego lut luty, marca marzec, kwietnia kwi kwiecień kwiet, maja, czerwca cze "
        "czerwiec czerw, lipca lip lipiec, sierpnia sie sierpień sierp, września wrz wrzesień wrzes, października "
        "paź październik pazdz, listopada lis listopad, grudnia gru grudzień grudz"
    ),
    "cs": (
        "ledna led leden, února úno únor, března bře březen, dubna dub duben, května kvě květen, června čvn "
        "červen, července čvc červenec, srpna srp srpen, září zář, října říj říjen, listopadu lis listopad, "
        "prosince prosinec"
    ),
    "sk": "januára, -, marec, -, -, júna, júla, -, -, -, -, -",
    "sl": "januarja, februarja, -, -, -, junij, julij, avgust avg avgusta, -, -, -, -",
    "hr": (
        "siječnja sij siječanj, veljače velj veljača, ožujka ožu ožujak, travnja tra travanj, svibnja svi svibanj, "
        "lipnja lip lipanj, srpnja srp srpanj, kolovoza kol kolovoz, rujna ruj rujan, listopada lis listopad, "
        "studenoga stu studeni studenog, prosinca prosinac"
    ),
    "bs": "-, -, mart, -, -, -, -, -, septembar, oktobar, novembar, decembar",
    "sr": (
        "јануар јан јануара, фебруар феб фебруара, март мар марта, април апр априла, мај маја, јун јуна јуни, јул "
        "јула јули, август авг августа, септембар сеп септембра септ, октобар окт октобра, новембар нов новембра, "
        "децембар дец децембра"
    ),
    "mk": "јануари, февруари фев, -, -, -, -, -, -, септември, октомври, ноември ное ноем, декември дек",
    "bg": "януари яну ян, февр, -, -, май, юни юн, юли юл, -, -, -, -, -",
    "ro": (
        "ianuarie ian, februarie, martie, aprilie, -, iunie iun, iulie iul, -, septembrie, octombrie, noiembrie, "
        "decembrie"
    ),
    "hu": "-, -, március márc, -, május, június, július, augusztus, szeptember szept szep, -, -, -",
    "el": (
        "ιανουαρίου ιαν ιανουάριοσ ιανουάριο, φεβρουαρίου φεβ φεβρουάριοσ φεβρ φεβρουάριο, μαρτίου μαρ μάρτιοσ "
        "μαρτ μάρτιο, απριλίου απρ απρίλιοσ απρίλιο, μαΐου μαΐ μάιοσ μάιο μάη μάώ, ιουνίου ιουν ιούνιοσ ιον "
        "ιούνιο, ιουλίου ιουλ ιούλιοσ ιολ ιούλιο, αυγούστου αυγ αύγουστοσ αύγουστο, σεπτεμβρίου σεπ σεπτέμβριοσ "
        "σεπτ σεπτέμβριο, οκτωβρίου οκτ οκτώβριοσ οκτώβριο, νοεμβρίου νοε νοέμβριοσ νοεμ νοέμβριο, δεκεμβρίου δεκ "
        "δεκέμβριοσ δεκέμβριο"
    ),
    "sq": (
        "janar, shkurt shk, -, prill pri, -, qershor qer, korrik korr, gusht gush, shtator sht, tetor tet, nëntor "
        "nën, dhjetor dhj"
    ),
    "tr": (
        "ocak oca, şubat şub, -, nisan nis, mayıs, haziran haz, temmuz tem, ağustos, eylül eyl, ekim eki, kasım "
        "kas, aralık ara"
    ),
    "az": (
        "yanvar yan, fevral, -, aprel, -, iyun iyn, iyul iyl, avqust avq, sentyabr sen, oktyabr, noyabr noy, dekabr dek"
    ),
    "uk": (
        "січня січ січень, лютого лют лютий, березня бер березень, квітня квіт квітень кві, травня трав травень "
        "тра, червня черв червень чер, липня лип липень, серпня серп серпень сер, вересня вер вересень, жовтня "
        "жовт жовтень жов, листопада лист листопад лис, грудня груд грудень гру"
    ),
    "ru": (
        "января янв январь, февраля февраль, -, апреля апрель, мая, июня июн июнь, июля июл июль, -, сентября сент "
        "сентябрь сен, октября октябрь, ноября нояб ноябрь ноя, декабря декабрь"
    ),
    "be": (
        "студзеня сту студзень, лютага люты, сакавіка сак сакавік, красавіка кра красавік, траўня, чэрвеня чэр "
        "чэрвень, ліпеня ліп ліпень, жніўня жні жнівень, верасня верасень, кастрычніка кас кастрычнік, лістапада "
        "ліс лістапад, снежня сне снежань"
    ),
    "ga": (
        "eanáir ean, feabhra feabh, -, aibreán aib, bealtaine beal, meitheamh meith, iúil, lúnasa, meán_fómhair "
        "mfómh, deireadh_fómhair dfómh, samhain samh, nollaig noll"
    ),
    "gd": (
        "fhaoilleach faoilleach, ghearran gearran, mhàrt, ghiblean giblean, chèitean cèitean, ògmhios, iuchar, "
        "lùnastal, sultain, dàmhair, -, dùbhlachd"
    ),
    "cy": (
        "ionawr ion, chwefror chwef chw, mawrth maw, ebrill ebr, -, mehefin meh, gorffennaf gorff gor, awst, medi, "
        "hydref hyd, tachwedd tach, rhagfyr rhag"
    ),
    "mt": (
        "jannar, frar fra, marzu, -, mejju mej, ġunju ġun, lulju lul, awwissu aww, settembru, ottubru, novembru, "
        "diċembru"
    ),
    "lb": "-, -, mäe, abrëll, mee, -, -, -, -, -, -, -",
    "eu": (
        "urtarrila urt urtarrilaren urtarrilak, otsaila ots otsailaren otsailak, martxoa martxoaren martxoak, "
        "apirila api apirilaren apirilak, maiatza maiatzaren maiatzak, ekaina eka ekainaren ekainak, uztaila uzt "
        "uztailaren uztailak, abuztua abu abuztuaren abuztuak, iraila ira irailaren irailak, urria urr urriaren "
        "urriak, azaroa aza azaroaren azaroak, abendua abe abenduaren abenduak"
    ),
    "ca": "gener, febrer, -, -, maig, juny, juliol, agost ag, setembre, -, -, desembre",
    "gl": "xaneiro xan, febreiro, -, -, -, xuño, xullo xul, -, -, -, -, decembro",
    "ast": "xineru xin, febreru, -, -, mayu, xunu xun, xunetu xnt, agostu, -, ochobre och, payares pay, avientu avi",
    "oc": "genièr, febrièr, -, -, -, junh, julhet, -, -, -, -, -",
    "fy": "jannewaris, febrewaris, -, -, maaie, -, -, -, septimber, -, novimber, desimber",
    "af": "januarie, -, -, -, -, junie, julie, -, -, -, -, -",
    "rm": "schaner, favrer, -, avrigl, matg, zercladur, fanadur, avust, settember, -, -, -",
    "kk": (
        "қаңтар қаң, ақпан ақп, наурыз нау, сәуір сәу, мамыр мам, маусым мау, шілде шіл, тамыз там, қыркүйек қыр, "
        "қазан қаз, қараша қар, желтоқсан жел"
    ),
    "uz": "-, -, -, -, -, -, -, -, sentabr, oktabr, -, -",
    "tg": "январ, феврал, -, апрел, -, -, -, -, сентябр, октябр, ноябр, декабр",
    "tk": "ýanwar, fewral few, -, -, -, -, -, awgust awg, -, -, -, -",
    "ka": (
        "იანვარი იან იანვარს, თებერვალი თებ თებერვალს, მარტი მარ მარტს, აპრილი აპრ აპრილს, მაისი მაი მაისს, ივნისი "
        "ივნ ივნისს, ივლისი ივლ ივლისს, აგვისტო აგვ აგვისტოს, სექტემბერი სექ სექტემბერს, ოქტომბერი ოქტ ოქტომბერს, "
        "ნოემბერი ნოე ნოემბერს, დეკემბერი დეკ დეკემბერს"
    ),
    "hy": (
        "հունվարի հնվ հունվար, փետրվարի փտվ փետրվար, մարտի մրտ մարտ, ապրիլի ապր ապրիլ, մայիսի մյս մայիս, հունիսի "
        "հնս հունիս, հուլիսի հլս հուլիս, օգոստոսի օգս օգոստոս, սեպտեմբերի սեպ սեպտեմբեր, հոկտեմբերի հոկ հոկտեմբեր, "
        "նոյեմբերի նոյ նոյեմբեր, դեկտեմբերի դեկ դեկտեմբեր"
    ),
    "he": (
        "ינואר ינו בינואר בינו, פברואר פבר בפברואר בפבר, מרץ מרס במרץ במרס, אפריל אפר באפריל באפר, מאי במאי, יוני "
        "ביוני, יולי ביולי, אוגוסט אוג באוגוסט באוג, ספטמבר ספט בספטמבר בספט, אוקטובר אוק באוקטובר באוק, נובמבר "
        "נוב בנובמבר בנוב, דצמבר דצמ בדצמבר בדצמ"
    ),
    "ar": (
        "يناير كانون_الثاني جانفي كانون_ثاني جانفييه, فبراير شباط فيفري, مارس آذار, أبريل نيسان أفريل, مايو أيار "
        "ماي مايس, يونيو حزيران جوان, يوليو تموز يوليوز جويلية, أغسطس آب غشت أوت أغشت, سبتمبر أيلول شتنبر, أكتوبر "
        "تشرين_الأول تشرين_أول, نوفمبر تشرين_الثاني نونبر تشرين_ثاني, ديسمبر كانون_الأول دجنبر كانون_أول"
    ),
    "fa": "ژانویه, فوریه, -, آوریل, مه می, ژوئن, ژوئیه جولای, آگوست, سپتامبر, اکتبر, نوامبر, دسامبر",
    "ps": "جنوري, فبروري فېبروري, مارچ, اپریل, مۍ, جون, -, اګست, سېپتمبر سپتمبر, اکتوبر, نومبر, دسمبر",
    "ur": "جنوری, فروری, -, -, مئی, -, جولائی, اگست, ستمبر, -, -, -",
    "sd": "-, فيبروري, -, اپريل, مئي, -, جولاءِ, آگسٽ, سيپٽمبر, آڪٽوبر, -, ڊسمبر",
    "hi": (
        "जनवरी जन, फ़रवरी फ़र, मार्च, अप्रैल, मई, जून, जुलाई जुल, अगस्त अग, सितंबर सित सितम्बर, अक्टूबर अक्टू "
        "अक्तूबर, नवंबर नव नवम्बर, दिसंबर दिस दिसम्बर"
    ),
    "bn": (
        "জানুয়ারি জানু জানুয়ারী, ফেব্রুয়ারি ফেব ফেব্রুয়ারী, মার্চ, এপ্রিল এপ্রি, মে, জুন, জুলাই জুল, আগস্ট আগ "
        "আগষ্ট, সেপ্টেম্বর সেপ সেপ্ট, অক্টোবর অক্টো অক্টোঃ, নভেম্বর নভে, ডিসেম্বর ডিসে ডিসেঃ"
    ),
    "as": ("জানুৱাৰী, ফেব্ৰুৱাৰী ফেব্ৰু, মাৰ্চ, এপ্ৰিল, -, -, -, -, ছেপ্তেম্বৰ ছেপ্তে, অক্টোবৰ, নৱেম্বৰ নৱে, ডিচেম্বৰ ডিচে"),
    "mr": (
        "जानेवारी जाने, फेब्रुवारी फेब्रु, -, एप्रिल एप्रि, मे, -, जुलै, ऑगस्ट ऑग, सप्टेंबर सप्टें, ऑक्टोबर ऑक्टो, नोव्हेंबर नोव्हें, डिसेंबर डिसें"
    ),
    "gu": ("જાન્યુઆરી જાન્યુ, ફેબ્રુઆરી ફેબ્રુ, માર્ચ, એપ્રિલ, મે, જૂન, જુલાઈ, ઑગસ્ટ, સપ્ટેમ્બર સપ્ટે, ઑક્ટોબર ઑક્ટો, નવેમ્બર નવે, ડિસેમ્બર ડિસે"),
    "pa": ("ਜਨਵਰੀ ਜਨ, ਫ਼ਰਵਰੀ ਫ਼ਰ, ਮਾਰਚ, ਅਪ੍ਰੈਲ ਅਪ੍ਰੈ, ਮਈ, ਜੂਨ, ਜੁਲਾਈ ਜੁਲਾ, ਅਗਸਤ ਅਗ, ਸਤੰਬਰ ਸਤੰ, ਅਕਤੂਬਰ ਅਕਤੂ, ਨਵੰਬਰ ਨਵੰ, ਦਸੰਬਰ ਦਸੰ"),
    "or": "ଜାନୁଆରୀ, ଫେବୃଆରୀ, ମାର୍ଚ୍ଚ, ଅପ୍ରେଲ, ମଇ, ଜୁନ, ଜୁଲାଇ, ଅଗଷ୍ଟ, ସେପ୍ଟେମ୍ବର, ଅକ୍ଟୋବର, ନଭେମ୍ବର, ଡିସେମ୍ବର",
    "ta": (
        "ஜனவரி ஜன, பிப்ரவரி பிப், மார்ச் மார், ஏப்ரல் ஏப், மே, ஜூன், ஜூலை, ஆகஸ்ட் ஆக, செப்டம்பர் செப், அக்டோபர் அக், நவம்பர் நவ, டிசம்பர் டிச"
    ),
    "te": ("జనవరి జన, ఫిబ్రవరి ఫిబ్ర, మార్చి, ఏప్రిల్ ఏప్రి, మే, జూన్, జులై, ఆగస్టు ఆగ, సెప్టెంబర్ సెప్టెం, అక్టోబర్ అక్టో, నవంబర్ నవం, డిసెంబర్ డిసెం"),
    "kn": ("ಜನವರಿ ಜನ, ಫೆಬ್ರವರಿ ಫೆಬ್ರ, ಮಾರ್ಚ್, ಏಪ್ರಿಲ್ ಏಪ್ರಿ, ಮೇ, ಜೂನ್, ಜುಲೈ, ಆಗಸ್ಟ್ ಆಗ, ಸೆಪ್ಟೆಂಬರ್ ಸೆಪ್ಟೆಂ, ಅಕ್ಟೋಬರ್ ಅಕ್ಟೋ, ನವೆಂಬರ್ ನವೆಂ, ಡಿಸೆಂಬರ್ ಡಿಸೆಂ"),
    "ml": (
        "ജനുവരി ജനു, ഫെബ്രുവരി ഫെബ്രു, മാർച്ച് മാർ, ഏപ്രിൽ ഏപ്രി, മേയ്, ജൂൺ, ജൂലൈ, ഓഗസ്റ്റ് ഓഗ, സെപ്റ്റംബർ "
        "സെപ്റ്റം, ഒക്ടോബർ ഒക്ടോ, നവംബർ നവം, ഡിസംബർ ഡിസം"
    ),
    "ne": "-, फेब्रुअरी फेब्रुवरी, -, अप्रिल, -, जुन, -, अगस्ट, सेप्टेम्बर, अक्टोबर, नोभेम्बर, डिसेम्बर",
    "my": ("ဇန်နဝါရီ ဇန်, ဖေဖော်ဝါရီ ဖေ, မတ်, ဧပြီ ဧ, မေ, ဇွန်, ဇူလိုင် ဇူ, ဩဂုတ် ဩ, စက်တင်ဘာ စက်, အောက်တိုဘာ အောက်, နိုဝင်ဘာ နို, ဒီဇင်ဘာ ဒီ"),
    "km": "មករា, កុម្ភៈ, មីនា, មេសា, ឧសភា, មិថុនា, កក្កដា, សីហា, កញ្ញា, តុលា, វិច្ឆិកា, ធ្នូ",
    "lo": (
        "ມັງກອນ ມກ, ກຸມພາ ກພ, ມີນາ ມນ, ເມສາ ມສ, ພຶດສະພາ ພພ, ມິຖຸນາ ມິຖ, ກໍລະກົດ ກລ, ສິງຫາ ສຫ, ກັນຍາ ກຍ, ຕຸລາ ຕລ, ພະຈິກ ພຈ, ທັນວາ ທວ"
    ),
    "th": (
        "มกราคม มค, กุมภาพันธ์ กพ, มีนาคม มีค, เมษายน เมย, พฤษภาคม พค, มิถุนายน มิย, กรกฎาคม กค, สิงหาคม สค, "
        "กันยายน กย, ตุลาคม ตค, พฤศจิกายน พย, ธันวาคม ธค"
    ),
    "mn": (
        "нэгдүгээр_сарын, хоёрдугаар_сарын, гуравдугаар_сарын, дөрөвдүгээр_сарын, тавдугаар_сарын, зургаадугаар_сарын, "
        "долоодугаар_сарын, наймдугаар_сарын, есдүгээр_сарын, аравдугаар_сарын, арван_нэгдүгээр_сарын, "
        "арван_хоёрдугаар_сарын"
    ),
    "vi": (
        "tháng_một tháng_giêng, tháng_hai, tháng_ba, tháng_tư tháng_bốn, tháng_năm, tháng_sáu, tháng_bảy, tháng_tám, "
        "tháng_chín, tháng_mười, tháng_mười_một, tháng_mười_hai tháng_chạp"
    ),
    "id": "-, pebruari peb, maret, -, -, -, -, agustus agt ags, -, -, nopember nop, -",
    "ms": "-, -, mac, -, -, -, julai, ogos ogo ogs, -, -, -, disember dis",
    "fil": "-, pebrero, marso, -, -, hunyo hun, hulyo hul, -, setyembre, oktubre, nobyembre nob, disyembre",
    "sw": "-, -, machi, -, -, -, -, agosti, septemba, oktoba, novemba, desemba",
    "zu": "januwari, februwari, mashi, ephreli, meyi, -, julayi, agasti, septhemba, okthoba, -, disemba",
    "xh": "janyuwari, -, matshi, epreli, -, -, -, -, -, okthobha, -, -",
    "so": (
        "janaayo jannaayo, febraayo, maarso, abriil, maayo, juun, luulyo, ogosto, sebtembar sebteembar, oktoobar, "
        "noofeembar, diseembar"
    ),
    "ha": "janairu, faburairu, maris, afirilu, -, yuni, yuli, agusta, satumba, -, nuwamba, disamba",
    "ig": "jenụwarị, -, maachị, epreel, -, -, -, ọgọọst, -, -, -, -",
    "am": "ጃንዋሪ ጃን, ፌብሩዋሪ ፌብ, ማርች, ኤፕሪል ኤፕሪ, ሜይ, ጁን, ጁላይ, ኦገስት ኦገስ, ሴፕቴምበር ሴፕቴ, ኦክቶበር ኦክቶ, ኖቬምበር ኖቬም, ዲሴምበር ዲሴም",
    "eo": "januaro, februaro, marto, aprilo, majo, -, -, aŭgusto, septembro, oktobro, -, -",
    "ku": (
        "rêbendan rbn, sibat sbt, adar adr, nsn, gulan gln, hezîran hzr, tîrmeh trm, tebax tbx, îlon îln, cotmeh "
        "cot, mijdar mjd, berfanbar brf"
    ),
}
_ENGLISH_WORDS = {"ago", "gen", "lug", "mag", "out", "set"}  # "sold out 3, 2025": a month behind its day only
_BEHIND_DAY = re.compile(r"\d[ ./-]*(?:de )?\Z")

_NUMBERED = re.compile(
    r"\b(?:thang|thg|th)\.? ?(1[0-2]|0?[1-9])(?!\d)|\b(1[0-2]|0?[1-9]) ?-?р сар(?:ын)?\b", re.IGNORECASE
)
_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_ROMAN = re.compile(
    r"(?<=\d[ ./-])(?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})(?=[ ./-]\d)|(?<=\d\. )(?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})(?=\. \d)"
)

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
_QUOTES = dict.fromkeys(map(ord, "’‘ʼ´`′"), "'")
_LETTERS = str.maketrans("ıیىکہھە،、。", "iييكههه,,.")
_UNSEEN = dict.fromkeys(
    (*range(0x20), 0x7F, 0xAD, 0x5F3, 0x5F4, 0x640, 0x970, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xFEFF)
)
_SEEN_AS = {**_UNSEEN, **_DASHES, **_QUOTES, **_LETTERS}
# Accents, Hebrew points, Arabic vowel signs and hamzas, the nukta of Indian scripts.
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u093c\u09bc\u0a3c\u0b3c]")
_SHORT_FORM = re.compile("(?<=[\u0e00-\u0eff])\\.")  # Thai and Lao write ก.พ.
# The vowel signs of Indian and South-East Asian scripts, which `re` does not count as letters.
_SIGNS = "".join(
    each for each in map(chr, (*range(0x900, 0x1100), *range(0x1780, 0x1800))) if unicodedata.category(each)[0] == "M"
)
_LETTER = rf"(?:[^\W\d_]|[{_SIGNS}])"
_WORD = re.compile(f"{_LETTER}+")
MARK = "\x01{}\x02"  # stands for a month by its number


def folded(text: str) -> str:
    """`text` on one line with plain digits, dashes and quotes, without accents and invisible characters; case stays."""
    text = " ".join(text.split())
    if text.isascii():
        return text if text.isprintable() else text.translate(_UNSEEN)
    text = unicodedata.normalize("NFKC", text.translate(_SEEN_AS)).translate(_SEEN_AS)
    text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))
    text = "".join(str(unicodedata.decimal(each, each)) for each in text)
    return " ".join(_SHORT_FORM.sub("", text).split())


def marked(text: str, language: str | None) -> str:
    """A folded text with each name of a month replaced by its `MARK`.

    A name of two months in two languages counts only if `language` (ISO 639, two letters) decides.
    """

    def mark(found: re.Match[str]) -> str:
        name = found[0].casefold()
        number = _month(name, language)
        if number is None or (
            name in _ENGLISH_WORDS and language != "fil" and not _BEHIND_DAY.search(found.string, 0, found.start())
        ):
            return found[0]
        return MARK.format(number)

    text = _NUMBERED.sub(lambda found: MARK.format(int(found[1] or found[2])), text)
    text = _ROMAN.sub(lambda found: MARK.format(_ROMANS.index(found[0]) + 1), text)
    text = _LONG_NAMES.sub(mark, text)
    return _WORD.sub(mark, text)


def _month(name: str, language: str | None) -> int | None:
    by_language = _BY_LANGUAGE.get(name)
    return by_language.get(language or "") if by_language else _ANYWHERE.get(name)


def _by_name() -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """The months by folded name; and by language the names of two months, or of a word in another language."""
    found: dict[str, dict[str, int]] = {}
    for language, months in _NAMES.items():
        for number, names in enumerate(months.split(","), start=1):
            for name in names.replace("-", "").split():
                found.setdefault(folded(name.replace("_", " ")).casefold(), {})[language] = number
    several = {name: by_language for name, by_language in found.items() if len(set(by_language.values())) > 1}
    once = {name: max(by_language.values()) for name, by_language in found.items() if name not in several}
    return once, several | {"pro": {"cs": 12, "hr": 12}}  # "iPhone 14 Pro 2025"


_ANYWHERE, _BY_LANGUAGE = _by_name()
_LONG = "|".join(sorted((name for name in _ANYWHERE if " " in name), key=len, reverse=True))
_LONG_NAMES = re.compile(rf"(?<!{_LETTER})(?:{_LONG})(?!{_LETTER})", re.IGNORECASE)
