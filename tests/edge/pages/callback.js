showQueue({"branches":[{"title":"Passports","people_waiting":14,"now_serving":"P-231"},{"title":"Driving licences","people_waiting":6,"now_serving":"D-077"}]});
